// SPDX-License-Identifier: Apache-2.0
/* Who holds an address and port. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "model/claims.h"
#include "unit/objects.h"

static struct gw_addr vip;

static int setup(void **state)
{
	struct claims *claims;

	vip = address("10.96.0.1");
	if (claims_new(&claims))
		return -1;
	*state = claims;
	return 0;
}

static int teardown(void **state)
{
	claims_free(*state);
	return 0;
}

static void check_held(struct claims *claims, const struct gw_addr *addr, uint16_t port,
		       const char *by)
{
	const char *holder = NULL;

	assert_int_equal(claims_take(claims, addr, port, "nobody/else", &holder), -EEXIST);
	assert_string_equal(holder, by);
}

static void test_the_first_who_claims_an_address_holds_it(void **state)
{
	const char *holder = "untouched";

	assert_int_equal(claims_take(*state, &vip, 7051, "fabric/a", &holder), 0);
	assert_string_equal(holder, "untouched");
	check_held(*state, &vip, 7051, "fabric/a");
	check_held(*state, &vip, 7051, "fabric/a");
}

static void test_a_claim_may_be_repeated_by_its_holder(void **state)
{
	const char *holder = "untouched";
	char name[] = "fabric/a"; /* the same name elsewhere in memory */

	assert_int_equal(claims_take(*state, &vip, 7051, "fabric/a", &holder), 0);
	assert_int_equal(claims_take(*state, &vip, 7051, name, &holder), 0);
	memset(name, 'x', sizeof(name) - 1);
	assert_string_equal(holder, "untouched");
	check_held(*state, &vip, 7051, "fabric/a");
}

static void test_the_name_of_the_holder_is_the_claims_own(void **state)
{
	char name[] = "fabric/a";
	const char *holder;

	assert_int_equal(claims_take(*state, &vip, 7051, name, &holder), 0);
	memset(name, 'x', sizeof(name) - 1);
	check_held(*state, &vip, 7051, "fabric/a");
}

static void test_another_port_or_address_is_another_claim(void **state)
{
	struct gw_addr mapped = address("::ffff:10.96.0.1");
	struct gw_addr other = address("10.96.0.2");
	struct gw_addr similar = address("::10.96.0.1");
	const char *holder;

	assert_int_equal(claims_take(*state, &vip, 7051, "fabric/a", &holder), 0);
	assert_int_equal(claims_take(*state, &vip, 7052, "fabric/b", &holder), 0);
	assert_int_equal(claims_take(*state, &other, 7051, "fabric/c", &holder), 0);
	assert_int_equal(claims_take(*state, &similar, 7051, "fabric/d", &holder), 0);
	check_held(*state, &vip, 7051, "fabric/a");
	check_held(*state, &vip, 7052, "fabric/b");
	check_held(*state, &other, 7051, "fabric/c");
	check_held(*state, &similar, 7051, "fabric/d");
	check_held(*state, &mapped, 7051, "fabric/a"); /* the same address, otherwise written */
}

static void test_what_is_let_go_can_be_claimed(void **state)
{
	const char *holder;

	assert_int_equal(claims_take(*state, &vip, 7051, "fabric/a", &holder), 0);
	claims_release(*state, &vip, 7051, "fabric/a");
	claims_release(*state, &vip, 7051, "fabric/a");
	assert_int_equal(claims_take(*state, &vip, 7051, "fabric/b", &holder), 0);
	check_held(*state, &vip, 7051, "fabric/b");
}

static void test_only_the_holder_can_let_go(void **state)
{
	const char *holder;

	claims_release(*state, &vip, 7051, "fabric/a");
	assert_int_equal(claims_take(*state, &vip, 7051, "fabric/a", &holder), 0);
	claims_release(*state, &vip, 7051, "fabric/b");
	claims_release(*state, &vip, 7051, "fabric/aa");
	claims_release(*state, &vip, 7051, "");
	claims_release(*state, &vip, 7052, "fabric/a");
	check_held(*state, &vip, 7051, "fabric/a");
}

static void test_many_claims_are_kept_apart(void **state)
{
	char name[32];
	const char *holder;

	for (uint32_t port = 1; port <= UINT16_MAX; port += 13) {
		snprintf(name, sizeof(name), "fabric/%u", port);
		assert_int_equal(claims_take(*state, &vip, (uint16_t)port, name, &holder), 0);
	}
	for (uint32_t port = 1; port <= UINT16_MAX; port += 13) {
		snprintf(name, sizeof(name), "fabric/%u", port);
		check_held(*state, &vip, (uint16_t)port, name);
		claims_release(*state, &vip, (uint16_t)port, name);
		assert_int_equal(claims_take(*state, &vip, (uint16_t)port, "fabric/b", &holder), 0);
	}
}

static void test_no_claims_can_be_freed(void **state)
{
	(void)state;
	claims_free(NULL);
}

#define CLAIMS_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLAIMS_TEST(test_the_first_who_claims_an_address_holds_it),
		CLAIMS_TEST(test_a_claim_may_be_repeated_by_its_holder),
		CLAIMS_TEST(test_the_name_of_the_holder_is_the_claims_own),
		CLAIMS_TEST(test_another_port_or_address_is_another_claim),
		CLAIMS_TEST(test_what_is_let_go_can_be_claimed),
		CLAIMS_TEST(test_only_the_holder_can_let_go),
		CLAIMS_TEST(test_many_claims_are_kept_apart),
		CLAIMS_TEST(test_no_claims_can_be_freed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

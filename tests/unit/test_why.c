// SPDX-License-Identifier: Apache-2.0
/* Why each endpoint of a Service is used on this node, or is not. */
#include "model/why.h"

#include "unit/chosen.h"

static void describe_endpoint(const struct why_endpoint *one, void *arg)
{
	struct fixture *f = arg;
	char text[ADDR_PORT_TEXT_MAX];

	add(f, f->text[0] ? " " : "");
	add(f, addr_port_format(&one->endpoint->address, one->port, text));
	add(f, "=");
	add(f, why_name(one->why));
	assert_int_equal(one->member != NULL && one->member->endpoint == one->endpoint,
			 one->why == WHY_USED);
}

/* Of the first port and address of the Service "gateway". */
static const char *why(struct fixture *f)
{
	const struct service *service = model_find_service(f->model, "fabric", "gateway");
	struct choice *choices;
	size_t count;

	f->text[0] = '\0';
	assert_int_equal(choose(f->model, service, &f->place, &choices, &count), 0);
	why_visit_endpoints(f->model, &choices[0], describe_endpoint, f);
	choices_free(choices, count);
	return f->text;
}

static void test_conditions(void **state)
{
	struct fixture *f = *state;

	put_service(f, gateway());
	put_slice(f, make_slice("a", "grpc=7051", "10.0.0.1", "10.0.0.2 not-ready not-serving",
				"10.0.0.3 not-ready terminating", NULL));
	assert_string_equal(why(f), "10.0.0.1:7051=used 10.0.0.2:7051=not-ready "
				    "10.0.0.3:7051=terminating");
}

static void test_slices_that_do_not_fit(void **state)
{
	struct fixture *f = *state;

	put_service(f, gateway());
	put_slice(f, make_slice("a", "grpc=7051", "10.0.0.1", NULL));
	put_slice(f, make_slice("b", "grpc=7051", "fd00::1", NULL));
	put_slice(f, make_slice("c", "ops=9443", "10.0.0.2", NULL));
	/* The same pod twice: one of the two is used. */
	put_slice(f, make_slice("d", "grpc=7051", "10.0.0.1 terminating not-ready", NULL));
	assert_string_equal(why(f), "10.0.0.1:7051=used [fd00::1]:7051=other-family "
				    "10.0.0.2:0=no-port 10.0.0.1:7051=twice");
}

static void test_places(void **state)
{
	struct fixture *f = *state;
	struct service *local = gateway();

	put_service(f, gateway());
	put_slice(f, make_slice("a", "grpc=7051", "10.0.0.1 for-zones=a", "10.0.0.2 for-zones=b",
				NULL));
	assert_string_equal(why(f), "10.0.0.1:7051=used 10.0.0.2:7051=other-zone");
	put_slice(f, make_slice("a", "grpc=7051", "10.0.0.1 for-nodes=node1",
				"10.0.0.2 for-nodes=node2", NULL));
	assert_string_equal(why(f), "10.0.0.1:7051=used 10.0.0.2:7051=other-node");
	local->local_only = true;
	put_service(f, local);
	put_slice(f,
		  make_slice("a", "grpc=7051", "10.0.0.1 node=node1", "10.0.0.2 node=node2", NULL));
	assert_string_equal(why(f), "10.0.0.1:7051=used 10.0.0.2:7051=not-local");
}

static void test_a_service_that_is_left_alone(void **state)
{
	struct fixture *f = *state;
	struct service *service = gateway();

	service->enabled = false;
	put_service(f, service);
	put_slice(f, make_slice("a", "grpc=7051", "10.0.0.1", NULL));
	assert_string_equal(why(f), "10.0.0.1:7051=left-alone");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CHOOSE_TEST(test_conditions),
		CHOOSE_TEST(test_slices_that_do_not_fit),
		CHOOSE_TEST(test_places),
		CHOOSE_TEST(test_a_service_that_is_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

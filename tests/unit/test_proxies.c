// SPDX-License-Identifier: Apache-2.0
/* What tells kube-proxy's rules for Services from everything else that stands beside them. */
#include "kernel/proxies.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

static size_t count(const char *text)
{
	char copy[2048];
	FILE *file;
	size_t found;

	snprintf(copy, sizeof(copy), "%s", text);
	file = fmemopen(copy, strlen(copy), "r");
	assert_non_null(file);
	found = proxies_count_ipvs(file);
	fclose(file);
	return found;
}

#define HEADING                                                                                    \
	"IP Virtual Server version 1.2.1 (size=4096)\n"                                            \
	"Prot LocalAddress:Port Scheduler Flags\n"                                                 \
	"  -> RemoteAddress:Port Forward Weight ActiveConn InActConn\n"

static void test_ipvs_without_a_virtual_server_is_no_proxy(void **state)
{
	(void)state;
	assert_int_equal(count(HEADING), 0);
}

/* As ip_vs_info_seq_show() writes them. */
static void test_virtual_servers_of_every_kind_are_counted_and_their_backends_not(void **state)
{
	(void)state;
	assert_int_equal(
		count(HEADING
		      "TCP  0A600001:01BB rr  \n"
		      "  -> AC120002:192B      Masq    1      3          0         \n"
		      "TCP  0A60000A:1B8B wlc  persistent 10800 FFFFFFFF\n"
		      "  -> 0AF40005:1B8B      Masq    1      0          2         \n"
		      "  -> 0AF40106:1B8B      Masq    1      1          0         \n"
		      "UDP  0A60000A:0035 rr ops  \n"
		      "SCTP 0A60000B:0EE4 rr  \n"
		      "TCP  [fd00:0010:0096:0000:0000:0000:0000:0001]:01BB rr \n"
		      "  -> [fd00:0010:0244:0000:0000:0000:0000:0002]:192B      Masq    1      "
		      "0          0         \n"
		      "FWM  00000001 rr \n"),
		6);
	/* The last line may have no end. */
	assert_int_equal(count(HEADING "TCP  0A600001:01BB rr  "), 1);
}

static void test_what_is_no_virtual_server_is_not_counted(void **state)
{
	(void)state;
	assert_int_equal(count("\n"), 0);
	assert_int_equal(count("TCPX 0A600001:01BB rr\n tcp  0A600001:01BB rr\n TCP  1\n"), 0);
}

static void expect_chain(const char *table, const char *chain, enum proxy of, bool is_there,
			 size_t services)
{
	struct proxy_rules rules[PROXY_MAX_] = {0};

	proxies_note_chain(rules, table, chain);
	for (int i = 0; i < PROXY_MAX_; i++) {
		assert_int_equal(rules[i].is_there, is_there && i == (int)of);
		assert_int_equal(rules[i].services, i == (int)of ? services : 0);
	}
}

static void test_chains_of_kube_proxy_in_nftables_mode(void **state)
{
	(void)state;
	expect_chain("kube-proxy", "services", PROXY_NFTABLES, true, 0);
	expect_chain("kube-proxy", "service-2QRHZV4L-default/kubernetes/tcp/https", PROXY_NFTABLES,
		     true, 1);
	expect_chain("kube-proxy",
		     "endpoint-5OJB2KTY-default/kubernetes/tcp/https__172.18.0.2/6443",
		     PROXY_NFTABLES, true, 0);
	expect_chain("filter", "service-2QRHZV4L-default/kubernetes/tcp/https", PROXY_NFTABLES,
		     false, 0);
}

static void test_chains_of_kube_proxy_in_iptables_mode(void **state)
{
	(void)state;
	expect_chain("nat", "KUBE-SERVICES", PROXY_IPTABLES, true, 0);
	expect_chain("nat", "KUBE-SVC-NPX46M4PTMTKRN6Y", PROXY_IPTABLES, false, 1);
	expect_chain("nat", "KUBE-SEP-6HM2BUUZ2Q5B5JCJ", PROXY_IPTABLES, false, 0);
	/* The kubelet makes these without kube-proxy. */
	expect_chain("nat", "KUBE-MARK-MASQ", PROXY_IPTABLES, false, 0);
	expect_chain("filter", "KUBE-SERVICES", PROXY_IPTABLES, false, 0);
	expect_chain("mangle", "KUBE-SVC-NPX46M4PTMTKRN6Y", PROXY_IPTABLES, false, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ipvs_without_a_virtual_server_is_no_proxy),
		cmocka_unit_test(
			test_virtual_servers_of_every_kind_are_counted_and_their_backends_not),
		cmocka_unit_test(test_what_is_no_virtual_server_is_not_counted),
		cmocka_unit_test(test_chains_of_kube_proxy_in_nftables_mode),
		cmocka_unit_test(test_chains_of_kube_proxy_in_iptables_mode),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses and ports as text. IPv4 is v4-mapped inside and plain outside. */
#ifndef GWBPF_BASE_ADDR_H
#define GWBPF_BASE_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <gwbpf/abi.h>

#define ADDR_TEXT_MAX 46 /* INET6_ADDRSTRLEN */
#define ADDR_PORT_TEXT_MAX (ADDR_TEXT_MAX + 8)

/* -EINVAL unless text is an IPv4 or IPv6 address and nothing else. */
int addr_parse(const char *text, struct gw_addr *ret);

/* The same, but also with zeros before a number, which counts as decimal: "010.0.0.1" is 10.0.0.1.
 * Objects older than Kubernetes' strict parsers have such; kube-proxy reads them like this, too. */
int addr_parse_sloppy(const char *text, struct gw_addr *ret);

/* Both return buf. Sizes: ADDR_TEXT_MAX and ADDR_PORT_TEXT_MAX. "[fd00::1]:7051" */
const char *addr_format(const struct gw_addr *addr, char *buf);
const char *addr_port_format(const struct gw_addr *addr, uint16_t port, char *buf);

/* "10.0.0.1:7051" or "[fd00::1]:7051"; port 1 to 65535. -EINVAL */
int addr_port_parse(const char *text, struct gw_addr *ret, uint16_t *port);

bool addr_is_ipv4(const struct gw_addr *addr); /* v4-mapped */
bool addr_is_loopback(const struct gw_addr *addr);
int addr_compare(const struct gw_addr *a, const struct gw_addr *b); /* as memcmp */

/* By address, then by port. */
int addr_port_compare(const struct gw_addr *a, uint16_t a_port, const struct gw_addr *b,
		      uint16_t b_port);

/* What an address is that no connection may be sent to ("a loopback address", "a link-local
 * address", "a multicast address", "the unspecified address"), or NULL if it may. */
const char *addr_refusal(const struct gw_addr *addr);

#endif

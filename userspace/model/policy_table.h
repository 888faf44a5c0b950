/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables that some policies walk or index: positions of members, filled as IPVS fills them
 * (ip_vs_wrr.c, ip_vs_sh.c, ip_vs_mh.c), but so that weights of any size fit. Pure.
 */
#ifndef GWBPF_MODEL_POLICY_TABLE_H
#define GWBPF_MODEL_POLICY_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "model/choose.h"

/*
 * Fill table (of GW_TABLE_MAX positions) for these members, GW_SET_MAX at most, and return its
 * length; 0: the policy needs none for them. Members of weight 0 are in no table; if all are, the
 * length is 0. Every other member is in it, except with sh beyond 256 of them.
 */
size_t policy_table_fill(enum gw_policy policy, const struct member *members, size_t count,
			 uint16_t *table);

/* What comes nearest to a policy whose table has no room: wrr's and random's shares by the loads, in
 * turn or of two at random; mh by the hash alone, so that more clients move. */
enum gw_policy policy_without_table(enum gw_policy policy);

#endif

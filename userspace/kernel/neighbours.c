// SPDX-License-Identifier: Apache-2.0
#include "kernel/neighbours.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "kernel/links.h"
#include "kernel/others.h"
#include "kernel/proxies.h"

#define LONG_CHAIN 1000 /* Services from which on the walk through iptables is felt */

static void say(struct neighbour *neighbour, enum neighbour_effect effect, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void say(struct neighbour *neighbour, enum neighbour_effect effect, const char *format, ...)
{
	va_list arguments;

	neighbour->effect = effect;
	va_start(arguments, format);
	vsnprintf(neighbour->consequence, sizeof(neighbour->consequence), format, arguments);
	va_end(arguments);
}

static bool is_connect(enum gw_hook hook)
{
	return hook == GW_HOOK_CONNECT4 || hook == GW_HOOK_CONNECT6;
}

/* What becomes of a connect when both run: kernel/bpf/cgroup.c runs all of them, in order. */
static void judge_connect(const struct other_program *other, struct neighbour *ret)
{
	const struct other_owner *owner = other->owner;

	if (owner && other->runs_first)
		say(ret, NEIGHBOUR_NOTABLE,
		    "a Service that %s balances never reaches gwbpf, which runs after it: %s",
		    owner->name, owner->remedy);
	else if (owner)
		say(ret, NEIGHBOUR_HARMLESS,
		    "%s runs after gwbpf, and balances only what gwbpf leaves alone", owner->name);
	else if (other->runs_first)
		say(ret, NEIGHBOUR_NOTABLE,
		    "runs before gwbpf: an address that it rewrites is not recognized, a connect "
		    "that it refuses stays refused");
	else
		say(ret, NEIGHBOUR_HARMLESS,
		    "runs after gwbpf and sees the pod's address in place of the Service's: what "
		    "it rewrites or refuses there is its own affair");
}

static void judge(const struct other_program *other, struct neighbour *ret)
{
	if (other->is_exclusive)
		say(ret, NEIGHBOUR_IN_THE_WAY,
		    "holds this hook of the cgroup, or of one above, exclusively: gwbpf cannot be "
		    "attached: detach it, or have it attached with BPF_F_ALLOW_MULTI");
	else if (other->is_replaced)
		say(ret, NEIGHBOUR_NOTABLE,
		    "is attached above with BPF_F_ALLOW_OVERRIDE: it does not run for this cgroup "
		    "once gwbpf is attached there");
	else if (is_connect(other->hook))
		judge_connect(other, ret);
	else if (other->hook == GW_HOOK_SOCKOPS)
		say(ret, NEIGHBOUR_HARMLESS,
		    "both run; the later one's answer counts for when a first SYN is repeated");
	else if (other->hook == GW_HOOK_SOCK_RELEASE)
		say(ret, NEIGHBOUR_HARMLESS, "both run");
	else
		say(ret, NEIGHBOUR_HARMLESS,
		    "both run; the later one's word is what getpeername() shows");
}

static void add_program(const struct other_program *other, struct neighbour *ret)
{
	*ret = (struct neighbour){
		.owner = other->owner ? other->owner->name : NULL,
		.hook = links_hook_name(other->hook),
		.id = other->id,
		.runs_first = other->runs_first,
		.is_exclusive = other->is_exclusive,
		.takes_all = other->owner && other->owner->takes_all && is_connect(other->hook),
	};
	memcpy(ret->name, other->name, sizeof(ret->name));
	judge(other, ret);
}

static size_t look_at_hook(int cgroup_fd, enum gw_hook hook, uint32_t ours, struct neighbour *ret,
			   size_t room)
{
	struct other_program others[OTHERS_MAX], unshared = {0};
	int found = others_at_hook(cgroup_fd, hook, ours, others);
	size_t count = 0;

	if (others_find_unshared(cgroup_fd, hook, &unshared) == 1 && room)
		add_program(&unshared, &ret[count++]);
	for (int i = 0; i < found && count < room; i++)
		if (others[i].id != unshared.id)
			add_program(&others[i], &ret[count++]);
	return count;
}

size_t neighbours_look_at_hooks(int cgroup_fd, const uint32_t ours[GW_HOOK_MAX_],
				struct neighbour ret[NEIGHBOURS_MAX])
{
	size_t count = 0;

	for (int i = 0; i < GW_HOOK_MAX_; i++)
		count += look_at_hook(cgroup_fd, (enum gw_hook)i, ours[i], &ret[count],
				      NEIGHBOURS_MAX - PROXY_MAX_ - count);
	return count;
}

static void judge_proxy(enum proxy proxy, const struct proxy_rules *rules, struct neighbour *ret)
{
	bool is_chain = proxy == PROXY_IPTABLES || proxy == PROXY_IPTABLES_LEGACY;

	*ret = (struct neighbour){
		.owner = "kube-proxy",
		.is_counted = !rules->err,
		.services = rules->services,
	};
	snprintf(ret->name, sizeof(ret->name), "%s", proxy_name(proxy));
	if (rules->err)
		say(ret, NEIGHBOUR_UNKNOWN, "whether it is there cannot be seen: %s",
		    strerror(-rules->err));
	else if (is_chain && rules->services >= LONG_CHAIN)
		say(ret, NEIGHBOUR_NOTABLE,
		    "serves what gwbpf leaves alone; the first packet of each connection still "
		    "walks its rules, also to a pod's own address, so gwbpf connects no faster: "
		    "kube-proxy's nftables mode does not have that cost");
	else
		say(ret, NEIGHBOUR_HARMLESS, "serves what gwbpf leaves alone");
}

static void note_none(bool is_node, struct neighbour *ret)
{
	*ret = (struct neighbour){.owner = "kube-proxy"};
	if (!is_node)
		say(ret, NEIGHBOUR_UNKNOWN,
		    "none in this network namespace, which is not that of the node, and that one "
		    "cannot be entered: it takes CAP_SYS_PTRACE and CAP_SYS_ADMIN, and in a pod "
		    "hostPID: true");
	else
		say(ret, NEIGHBOUR_NOTABLE,
		    "no rules of it on this node: what gwbpf leaves alone, also when "
		    "it is suspended or steps aside, is not served, unless somebody else does");
}

static size_t look_at_proxies(struct neighbour *ret)
{
	struct proxy_rules rules[PROXY_MAX_];
	bool is_node = proxies_look(rules);
	size_t count = 0;

	for (int i = 0; i < PROXY_MAX_; i++)
		if (rules[i].is_there || rules[i].err)
			judge_proxy((enum proxy)i, &rules[i], &ret[count++]);
	if (!count)
		note_none(is_node, &ret[count++]);
	return count;
}

size_t neighbours_look(int cgroup_fd, const uint32_t ours[GW_HOOK_MAX_],
		       struct neighbour ret[NEIGHBOURS_MAX])
{
	size_t count = cgroup_fd < 0 ? 0 : neighbours_look_at_hooks(cgroup_fd, ours, ret);

	return count + look_at_proxies(&ret[count]);
}

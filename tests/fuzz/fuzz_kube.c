// SPDX-License-Identifier: Apache-2.0
/* Any bytes as an API server's answer: whole, in lines, and as a refusal. */
#include "fuzz.h"

#include <string.h>

#include <event2/buffer.h>

#include "source/kube/held.h"
#include "source/kube/intake.h"

static int put(const json_t *object, const char *namespace, const char *name, void *arg)
{
	(void)arg;
	must(json_is_object(object) && *name);
	must(!strchr(namespace, '/') && !strchr(name, '/'));
	return 1;
}

static void remove_object(const char *namespace, const char *name, void *arg)
{
	const struct kube_intake *intake = arg;

	must(!kube_held_has(intake->held, namespace, name));
}

static void refuse(const char *message, void *arg)
{
	size_t told = 0;

	(void)arg;
	check_refusal("", message, &told);
}

static void settle(bool listed, void *arg)
{
	const struct kube_intake *intake = arg;

	must(!listed || !intake->next);
}

static void heard(void *arg)
{
	(void)arg;
}

static const struct kube_watch_ops ops = {
	.put = put,
	.remove = remove_object,
	.refuse = refuse,
	.settle = settle,
	.heard = heard,
};

static void check(const struct kube_intake *intake, int err)
{
	json_t *text = json_string(intake->failure.text);

	must(text && !err == !intake->failure.failed && !err == !*intake->failure.text);
	must(!intake->position || *intake->position);
	json_decref(text);
}

static void take_page(struct kube_intake *intake, const char *bytes, size_t size)
{
	must(!kube_intake_begin(intake));
	must(!kube_intake_add(intake, bytes, size));
	check(intake, kube_intake_end_page(intake));
}

/* Cut in two at a place that the bytes choose. */
static void take_lines(struct kube_intake *intake, const char *bytes, size_t size)
{
	size_t cut = size ? (unsigned char)bytes[0] % size : 0;
	int err;

	must(!kube_intake_begin(intake));
	err = kube_intake_add_lines(intake, bytes, cut);
	if (!err)
		err = kube_intake_add_lines(intake, bytes + cut, size - cut);
	check(intake, err);
}

static void take_refusal(struct kube_intake *intake, const char *bytes, size_t size)
{
	must(!kube_intake_begin(intake));
	must(!kube_intake_add_refusal(intake, bytes, size));
	check(intake, kube_intake_end_refusal(intake, 403, "list", "", false));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kube_selection selections[] = {
		{.resource = &kube_slices},
		{.resource = &kube_nodes, .name = "node1", .get = true},
	};

	for (size_t i = 0; i < sizeof(selections) / sizeof(*selections); i++) {
		struct kube_intake intake;

		must(!kube_intake_init(&intake, &selections[i], &ops, &intake));
		take_page(&intake, (const char *)data, size);
		take_lines(&intake, (const char *)data, size);
		kube_intake_interrupt(&intake, true);
		take_page(&intake, (const char *)data, size);
		take_refusal(&intake, (const char *)data, size);
		kube_intake_done(&intake);
	}
	return 0;
}

// SPDX-License-Identifier: Apache-2.0
/* `gwbpf tls`: which names certificates carry, and until when they are valid. */
#include "cli/commands.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/args.h"
#include "base/certificate.h"
#include "cli/cli.h"
#include "cli/json_print.h"
#include "cli/lookup.h"
#include "cli/say.h"
#include "cli/tls_file.h"
#include "cli/tls_print.h"
#include "cli/tls_services.h"
#include "cli/usage.h"
#include "model/tls_names.h"
#include "report/json.h"

const struct argp_option tls_options[] = {
	{.name = "file",
	 .key = OPTION_FILE,
	 .arg = "PATH",
	 .doc = "look at the certificates in this file, PEM or DER ('-': standard input): no agent "
		"is needed"},
	{.name = "names",
	 .key = OPTION_NAMES,
	 .arg = "NAME,...",
	 .doc = "the names that the first certificate in the file must carry"},
	USAGE_NAMESPACE_OPTIONS,
	USAGE_WATCH_OPTION,
	{0},
};

static const char *state_of(const struct certificate *certificate)
{
	static const char *const states[] = {
		[CERTIFICATE_CURRENT] = "valid",
		[CERTIFICATE_NOT_YET] = "not-yet-valid",
		[CERTIFICATE_EXPIRED] = "expired",
	};

	return states[certificate_time(certificate, time(NULL))];
}

static json_t *names_of(const struct certificate *certificate)
{
	json_t *names = json_array();
	char text[CERTIFICATE_TEXT_MAX];

	for (size_t i = 0; i < certificate->name_count; i++)
		json_add(&names, json_text(certificate_name_text(&certificate->names[i], text)));
	return names;
}

static json_t *texts_of(const struct tls_names *wanted)
{
	json_t *names = json_array();

	for (size_t i = 0; i < wanted->count; i++)
		json_add(&names, json_text(wanted->text[i]));
	return names;
}

static json_t *missing_of(const struct certificate *certificate, const struct tls_names *wanted)
{
	json_t *missing = json_array();

	for (size_t i = 0; i < wanted->count; i++)
		if (!certificate_carries(certificate, wanted->text[i]))
			json_add(&missing, json_text(wanted->text[i]));
	return missing;
}

#define MESSAGE_MAX 384

/* What is wrong, "" if nothing is. missing: what it lacks, if it could be read. */
static void judge(int err, const char *state, const json_t *missing, char message[MESSAGE_MAX])
{
	size_t count = json_array_size(missing), length = 0;

	*message = '\0';
	if (err == -E2BIG)
		snprintf(message, MESSAGE_MAX,
			 "it has more than %d names or %d extensions, so it is not looked at",
			 CERTIFICATE_NAMES_MAX, CERTIFICATE_EXTENSIONS_MAX);
	else if (err)
		snprintf(
			message, MESSAGE_MAX,
			"it is no certificate, or one that clients written in Go refuse: a name that is "
			"not ASCII, an address that has not 4 or 16 bytes");
	if (err)
		return;
	if (strcmp(state, "valid") != 0)
		length = (size_t)snprintf(message, MESSAGE_MAX, "it %s",
					  !strcmp(state, "expired") ? "has expired"
								    : "is not valid yet");
	if (count)
		length += (size_t)snprintf(message + length, MESSAGE_MAX - length, "%s lacks '%s'",
					   length ? ", and" : "it",
					   json_string_value(json_array_get(missing, 0)));
	if (count > 1)
		snprintf(message + length, MESSAGE_MAX - length, " and %zu more of the names",
			 count - 1);
}

static json_t *certificate_to_json(const struct certificate *certificate)
{
	if (!certificate)
		return json_pack("{sn sn sn sn sn}", "subject", "issuer", "notBeforeTime",
				 "expiryTime", "names");
	return json_pack("{so so so so so}", "subject", json_text(certificate->subject), "issuer",
			 json_text(certificate->issuer), "notBeforeTime",
			 json_time((time_t)certificate->not_before), "expiryTime",
			 json_time((time_t)certificate->not_after), "names", names_of(certificate));
}

/* wanted NULL: nothing is wanted of it; it belongs to an authority that signed the first. */
static json_t *look(const struct kube_bytes *der, size_t number, const struct tls_names *wanted)
{
	struct certificate certificate;
	int err = certificate_read(der->data, der->size, &certificate);
	const char *state = err ? NULL : state_of(&certificate);
	json_t *missing = err || !wanted ? json_null() : missing_of(&certificate, wanted);
	char message[MESSAGE_MAX];

	judge(err, state, missing, message);
	return json_extend(json_pack("{sI so so so so}", "certificate", (json_int_t)number, "state",
				     json_text_or_null(state), "wanted",
				     wanted ? texts_of(wanted) : json_null(), "missing", missing,
				     "message", json_text(message)),
			   certificate_to_json(err ? NULL : &certificate));
}

static bool is_good(const json_t *items)
{
	const json_t *item;
	size_t i;

	json_array_foreach(items, i, item)
		if (*json_string_value(json_object_get(item, "message")))
			return false;
	return true;
}

/* A file has no peers: its certificates are numbered. */
static const char *number_of(const json_t *item, char buf[TLS_OWNER_MAX])
{
	snprintf(buf, TLS_OWNER_MAX, "%u",
		 (unsigned int)json_integer_value(json_object_get(item, "certificate")));
	return buf;
}

static int print(const struct cli *cli, json_t *items)
{
	static const struct tls_printing printing = {"CERTIFICATE", "certificate ", number_of};
	int status;

	if (cli->output == CLI_OUTPUT_JSON)
		return json_print(cli, json_list("CertificateList", lookup_host(), items));
	status = tls_print(cli, &printing, items);
	json_decref(items);
	return status;
}

static int look_at_file(const struct cli *cli, const struct tls_names *wanted)
{
	json_t *items = json_array();
	struct tls_file file;
	bool good;
	int status;

	if (tls_file_read(cli->file, &file)) {
		json_decref(items);
		return EXIT_FAILURE;
	}
	for (size_t i = 0; i < file.count; i++)
		json_add(&items, look(&file.certificates[i], i + 1, i ? NULL : wanted));
	tls_file_done(&file);
	if (!items) {
		say_error("cannot read the certificates: out of memory");
		return EXIT_FAILURE;
	}
	good = is_good(items);
	status = print(cli, items);
	return good ? status : EXIT_FAILURE;
}

static int run_file(const struct cli *cli)
{
	struct tls_names wanted = {.count = 0};
	char reason[WEIGHTS_REASON_MAX];

	if (cli->argument_count) {
		say_error("a file belongs to no Service: give --file or a SERVICE, not both");
		return ARGS_EXIT_USAGE;
	}
	if (cli->is_watching && !strcmp(cli->file, "-")) {
		say_error("standard input can be read once: give --file PATH to watch it");
		return ARGS_EXIT_USAGE;
	}
	if (cli->names && tls_names_parse(cli->names, &wanted, reason)) {
		say_error("--names cannot be '%s': %s", cli->names, reason);
		return ARGS_EXIT_USAGE;
	}
	if (tls_names_has(&wanted, TLS_NAMES_DEFAULT)) {
		say_error(
			"--names cannot have 'default' here: a file belongs to no Service; write out "
			"the names");
		return ARGS_EXIT_USAGE;
	}
	return look_at_file(cli, &wanted);
}

int tls_run(const struct cli *cli)
{
	if (cli->file)
		return run_file(cli);
	if (cli->names) {
		say_error("--names goes with --file: what a Service's peers must carry is its "
			  "annotation gwbpf.io/tls-names");
		return ARGS_EXIT_USAGE;
	}
	return tls_run_services(cli);
}

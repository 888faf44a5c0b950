/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What manifests on disk say: a file of YAML or JSON to objects. Reads files, watches nothing.
 */
#ifndef GWBPF_SOURCE_MANIFESTS_H
#define GWBPF_SOURCE_MANIFESTS_H

#include <stdbool.h>
#include <stddef.h>

#include "source/decode.h"

#define MANIFEST_BYTES_MAX (64u << 20)

/* An object that was refused whole, but is still there. */
struct manifest_name {
	enum object_kind kind;
	char *namespace;
	char *name;
};

struct manifest {
	struct service **services;
	size_t service_count;
	struct slice **slices;
	size_t slice_count;
	struct pod **pods;
	size_t pod_count;
	struct manifest_name *refused;
	size_t refused_count;
	size_t skipped_count;    /* objects of other kinds, such as Deployment */
	char skipped_kinds[256]; /* as many of them as there is room for: "ConfigMap, Secret" */
};

/*
 * Read a file: what kubectl prints, a List, or several documents, in YAML or JSON. What is refused
 * is told to refuse one by one; so is the second of two objects of one name. Returns 0 if the file
 * as such could be read and parsed, -EINVAL if not (told to refuse with object ""), -EFBIG, -ENODEV
 * for a FIFO or device, or what open(2) and read(2) say (all told too); -ENOMEM (not told). Never
 * waits for another process.
 * On success manifest_done() frees what ret holds.
 *
 * A document without a kind fails the file: the kind of a List stands behind its items, so that is
 * what half a file looks like.
 */
int manifest_read(const char *path, decode_refuse refuse, void *arg, struct manifest *ret);

/* The same from standard input, waiting until that ends. */
int manifest_read_input(decode_refuse refuse, void *arg, struct manifest *ret);

/* The same from memory; it is what the fuzzer calls. */
int manifest_parse(const char *text, size_t size, decode_refuse refuse, void *arg,
		   struct manifest *ret);
void manifest_done(struct manifest *manifest);

/*
 * The files that a path given by --manifests stands for, ordered by name: itself, or the .yaml,
 * .yml and .json files of a directory (not of those below; names with a leading dot are skipped).
 * manifest_paths_free() frees them. What opendir(3) says; -ENOMEM.
 */
int manifest_paths(const char *path, char ***ret, size_t *count);
void manifest_paths_free(char **paths, size_t count);

/* Whether a file in a directory is taken for a manifest, and its path. NULL without memory. */
bool manifest_is_named(const char *name);
char *manifest_path_in(const char *directory, const char *name);

#endif

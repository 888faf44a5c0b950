// SPDX-License-Identifier: Apache-2.0
#include "kernel/long_program.h"

#include <errno.h>
#include <linux/bpf.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "kernel/lab.h"

#define TURNS 1000              /* some 25 ms, and under emulation seconds */
#define COPY_BYTES (256 * 1024) /* in each turn, from one map to another */

enum phase {
	PHASE_NONE,
	PHASE_RUNS,
	PHASE_ENDED,
};

static int program_fd, phase_fd, from_fd, to_fd;
static volatile uint32_t *phase;
static pthread_t thread;

static int make_array(uint32_t size, uint32_t flags)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = flags);
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "test_array", sizeof(uint32_t), size, 1,
				&options);

	assert_true(fd >= 0);
	return fd;
}

#define INSN(...) ((struct bpf_insn){__VA_ARGS__})
#define LOAD_MAP(reg, kind, fd)                                                                    \
	INSN(.code = BPF_LD | BPF_DW | BPF_IMM, .dst_reg = reg, .src_reg = kind, .imm = fd), INSN(0)
#define SET(reg, value) INSN(.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = reg, .imm = value)
#define COPY(to, from) INSN(.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = to, .src_reg = from)
#define STORE(reg, offset, value)                                                                  \
	INSN(.code = BPF_ST | BPF_MEM | BPF_W, .dst_reg = reg, .off = offset, .imm = value)

void long_program_open(void)
{
	phase_fd = make_array(sizeof(uint32_t), BPF_F_MMAPABLE);
	from_fd = make_array(COPY_BYTES, 0);
	to_fd = make_array(COPY_BYTES, 0);
	phase = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, phase_fd, 0);
	assert_ptr_not_equal((void *)phase, MAP_FAILED);

	const struct bpf_insn insns[] = {
		LOAD_MAP(7, BPF_PSEUDO_MAP_VALUE, phase_fd),
		STORE(7, 0, PHASE_RUNS),
		LOAD_MAP(8, BPF_PSEUDO_MAP_FD, to_fd),
		LOAD_MAP(9, BPF_PSEUDO_MAP_VALUE, from_fd),
		STORE(10, -4, 0), /* the key */
		SET(6, TURNS),
		COPY(1, 8),
		COPY(2, 10),
		INSN(.code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = 2, .imm = -4),
		COPY(3, 9),
		SET(4, BPF_ANY),
		INSN(.code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_map_update_elem),
		INSN(.code = BPF_ALU64 | BPF_SUB | BPF_K, .dst_reg = 6, .imm = 1),
		INSN(.code = BPF_JMP | BPF_JNE | BPF_K, .dst_reg = 6, .off = -8),
		STORE(7, 0, PHASE_ENDED),
		SET(0, 0),
		INSN(.code = BPF_JMP | BPF_EXIT),
	};

	program_fd = bpf_prog_load(BPF_PROG_TYPE_SOCKET_FILTER, "test_long", "GPL", insns,
				   sizeof(insns) / sizeof(*insns), NULL);
	if (program_fd < 0)
		fail_msg("cannot load the long program: %s", strerror(errno));
}

void long_program_close(void)
{
	munmap((void *)phase, 4096);
	close(program_fd);
	close(from_fd);
	close(to_fd);
	close(phase_fd);
}

static void *run(void *arg)
{
	uint8_t packet[64] = {0};
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = packet, .data_size_in = sizeof(packet));

	bpf_prog_test_run_opts(program_fd, &options);
	return arg;
}

void long_program_begin(void)
{
	*phase = PHASE_NONE;
	assert_int_equal(pthread_create(&thread, NULL, run, NULL), 0);
	while (*phase == PHASE_NONE)
		;
}

bool long_program_runs(void)
{
	return *phase == PHASE_RUNS;
}

void long_program_await(void)
{
	pthread_join(thread, NULL);
	assert_int_equal(*phase, PHASE_ENDED);
}

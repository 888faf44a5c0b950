/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands do, one file each, and the options that only they have. */
#ifndef GWBPF_CLI_COMMANDS_H
#define GWBPF_CLI_COMMANDS_H

#include <argp.h>

struct cli;

/* Each returns the exit status, having said why if it is not 0. */
int status_run(const struct cli *cli);
int services_run(const struct cli *cli);
int backends_run(const struct cli *cli);
int connections_run(const struct cli *cli);
int explain_run(const struct cli *cli);
int events_run(const struct cli *cli);
int monitor_run(const struct cli *cli);
int top_run(const struct cli *cli);
int plan_run(const struct cli *cli);
int check_run(const struct cli *cli);
int report_run(const struct cli *cli);
int detach_run(const struct cli *cli);
int suspend_run(const struct cli *cli);
int resume_run(const struct cli *cli);
int rebalance_run(const struct cli *cli);
int drain_run(const struct cli *cli);
int undrain_run(const struct cli *cli);
int weight_run(const struct cli *cli);
int tls_run(const struct cli *cli);
int version_run(const struct cli *cli);
int completion_run(const struct cli *cli);
int help_run(const struct cli *cli);

extern const struct argp_option status_options[];
extern const struct argp_option services_options[]; /* of each that takes the name of a Service */
extern const struct argp_option services_list_options[];
extern const struct argp_option events_options[];
extern const struct argp_option backends_options[];
extern const struct argp_option connections_options[];
extern const struct argp_option explain_options[];
extern const struct argp_option monitor_options[];
extern const struct argp_option plan_options[];
extern const struct argp_option check_options[];
extern const struct argp_option report_options[];
extern const struct argp_option detach_options[];
extern const struct argp_option rebalance_options[];
extern const struct argp_option tls_options[];
extern const struct argp_option drain_options[];
extern const struct argp_option steer_options[]; /* of undrain and weight */

#endif

# SPDX-License-Identifier: MIT
# Everything but main() is a library, so that the tests run the real commands.
LIBS += ctl
ctl_SRCS := \
	userland/ctl/client.c \
	userland/ctl/cmd_all.c \
	userland/ctl/cmd_check.c \
	userland/ctl/cmd_config.c \
	userland/ctl/cmd_diff.c \
	userland/ctl/cmd_dump.c \
	userland/ctl/cmd_explain.c \
	userland/ctl/cmd_filter.c \
	userland/ctl/cmd_mmpolicy.c \
	userland/ctl/cmd_qmpolicy.c \
	userland/ctl/cmd_rule.c \
	userland/ctl/cmd_sas.c \
	userland/ctl/cmd_static_all.c \
	userland/ctl/cmd_static_file.c \
	userland/ctl/cmd_static_filter.c \
	userland/ctl/cmd_static_filteraction.c \
	userland/ctl/cmd_static_filterlist.c \
	userland/ctl/cmd_static_policy.c \
	userland/ctl/cmd_static_rule.c \
	userland/ctl/cmd_static_store.c \
	userland/ctl/cmd_stats.c \
	userland/ctl/cmd_status.c \
	userland/ctl/cmd_try.c \
	userland/ctl/columns.c \
	userland/ctl/command.c \
	userland/ctl/complete.c \
	userland/ctl/ctl.c \
	userland/ctl/driver_diff.c \
	userland/ctl/dry_run.c \
	userland/ctl/help.c \
	userland/ctl/interactive.c \
	userland/ctl/methods.c \
	userland/ctl/options.c \
	userland/ctl/remote.c \
	userland/ctl/select.c \
	userland/ctl/ssh.c \
	userland/ctl/static.c \
	userland/ctl/status.c \
	userland/ctl/status_attention.c \
	userland/ctl/status_print.c \
	userland/ctl/stores.c \
	userland/ctl/stores_bus.c \
	userland/ctl/stores_file.c \
	userland/ctl/types.c \
	userland/ctl/words.c
ctl_PKGS := libsystemd smartcols libedit
ctl_LIBS := store policy nl base

PROGS += ipsecctl
ipsecctl_SRCS := userland/ctl/main.c
ipsecctl_LIBS := ipseccmd ctl store policy nl base
ipsecctl_PKGS := libsystemd libnl-3.0 smartcols libedit

TESTS += test_ctl_golden
test_ctl_golden_SRCS := \
	userland/ctl/fake_agent.c \
	userland/ctl/fake_fixture.c \
	userland/ctl/fake_stores.c \
	userland/ctl/test_ctl_golden.c
test_ctl_golden_LIBS := ipseccmd ctl nl_fake store policy nl base
test_ctl_golden_PKGS := cmocka libsystemd smartcols libedit

TESTS += test_ctl_roundtrip
test_ctl_roundtrip_SRCS := userland/ctl/roundtrip.c userland/ctl/test_ctl_roundtrip.c \
	userland/lib/store/test_content.c
test_ctl_roundtrip_LIBS := ctl store policy nl base
test_ctl_roundtrip_PKGS := cmocka libsystemd smartcols libedit

FUZZERS += fuzz_command
fuzz_command_SRCS := userland/ctl/fuzz_command.c userland/ctl/roundtrip.c
fuzz_command_LIBS := ctl store policy nl base
fuzz_command_PKGS := libsystemd smartcols libedit

TESTS += test_ctl_manual test_ctl_prompt
test_ctl_manual_SRCS := userland/ctl/test_ctl_manual.c
test_ctl_manual_LIBS := ctl store policy nl base
test_ctl_manual_PKGS := cmocka libsystemd smartcols libedit sqlite3
test_ctl_prompt_SRCS := \
	userland/ctl/fake_agent.c \
	userland/ctl/fake_fixture.c \
	userland/ctl/fake_stores.c \
	userland/ctl/test_ctl_prompt.c
test_ctl_prompt_LIBS := ctl store policy nl base
test_ctl_prompt_PKGS := cmocka libsystemd smartcols libedit

TESTS += test_ctl_remote
test_ctl_remote_SRCS := userland/ctl/test_ctl_remote.c
test_ctl_remote_LIBS := ctl store policy nl base
test_ctl_remote_PKGS := cmocka libsystemd smartcols libedit

TESTS += test_ctl_diff
test_ctl_diff_SRCS := userland/ctl/test_ctl_diff.c userland/lib/store/test_content.c
test_ctl_diff_LIBS := ctl store policy nl base
test_ctl_diff_PKGS := cmocka libsystemd

# SPDX-License-Identifier: MIT
LIBS += store
store_SRCS := \
	userland/lib/store/access.c \
	userland/lib/store/addresses.c \
	userland/lib/store/apply.c \
	userland/lib/store/apply_action.c \
	userland/lib/store/apply_list.c \
	userland/lib/store/apply_policy.c \
	userland/lib/store/apply_rule.c \
	userland/lib/store/bus.c \
	userland/lib/store/bus_append.c \
	userland/lib/store/bus_read.c \
	userland/lib/store/change.c \
	userland/lib/store/content.c \
	userland/lib/store/copy.c \
	userland/lib/store/diff.c \
	userland/lib/store/examples.c \
	userland/lib/store/export.c \
	userland/lib/store/filter.c \
	userland/lib/store/filter_action.c \
	userland/lib/store/filter_list.c \
	userland/lib/store/find.c \
	userland/lib/store/finding.c \
	userland/lib/store/finding_method.c \
	userland/lib/store/finding_rule.c \
	userland/lib/store/finding_ssh.c \
	userland/lib/store/finding_traffic.c \
	userland/lib/store/guid.c \
	userland/lib/store/head.c \
	userland/lib/store/kind.c \
	userland/lib/store/load.c \
	userland/lib/store/memory.c \
	userland/lib/store/order.c \
	userland/lib/store/policy.c \
	userland/lib/store/rule.c \
	userland/lib/store/runs.c \
	userland/lib/store/save.c \
	userland/lib/store/schema.c \
	userland/lib/store/sql.c \
	userland/lib/store/store.c \
	userland/lib/store/tag.c \
	userland/lib/store/text.c
store_LIBS := nl_search policy base
store_PKGS := libsystemd sqlite3

TESTS += test_store_diff test_store_examples test_store_finding test_store_object test_store_text
test_store_object_SRCS := userland/lib/store/test_object.c
test_store_object_LIBS := store policy base
test_store_object_PKGS := cmocka libsystemd
test_store_text_SRCS := userland/lib/store/test_text.c userland/lib/store/test_content.c \
	userland/ctl/words.c
test_store_text_LIBS := store policy base
test_store_text_PKGS := cmocka libsystemd
test_store_diff_SRCS := userland/lib/store/test_diff.c userland/lib/store/test_content.c \
	userland/ctl/words.c
test_store_diff_LIBS := store policy base
test_store_diff_PKGS := cmocka libsystemd
test_store_finding_SRCS := userland/lib/store/test_finding.c userland/lib/store/test_content.c \
	userland/ctl/words.c
test_store_finding_LIBS := store policy base
test_store_finding_PKGS := cmocka libsystemd
test_store_examples_SRCS := userland/lib/store/test_examples.c
test_store_examples_LIBS := store policy base
test_store_examples_PKGS := cmocka libsystemd

TESTS += test_store_bus
test_store_bus_SRCS := userland/lib/store/test_bus.c userland/lib/store/test_content.c \
	userland/ctl/words.c
test_store_bus_LIBS := store policy base
test_store_bus_PKGS := cmocka libsystemd

TESTS += test_store test_store_runs
test_store_runs_SRCS := userland/lib/store/test_store_runs.c userland/lib/store/test_support.c
test_store_runs_LIBS := store policy base
test_store_runs_PKGS := cmocka libsystemd sqlite3
test_store_SRCS := userland/lib/store/test_store.c userland/lib/store/test_support.c
test_store_LIBS := store policy base
test_store_PKGS := cmocka libsystemd sqlite3

TESTS += test_store_export
test_store_export_SRCS := userland/lib/store/test_export.c userland/lib/store/test_support.c \
	userland/lib/store/test_content.c userland/ctl/words.c
test_store_export_LIBS := store policy base
test_store_export_PKGS := cmocka libsystemd sqlite3

TESTS += test_store_damage
test_store_damage_SRCS := userland/lib/store/test_damage.c userland/lib/store/test_support.c
test_store_damage_LIBS := store policy base
test_store_damage_PKGS := cmocka libsystemd sqlite3

TESTS += test_store_crash
test_store_crash_SRCS := userland/lib/store/test_crash.c userland/lib/store/test_kills.c \
	userland/lib/store/test_support.c
test_store_crash_LIBS := store policy base
test_store_crash_PKGS := cmocka libsystemd sqlite3

# Of selftests/stress/store_kills.sh.
TOOLS += store_kills
store_kills_SRCS := userland/lib/store/store_kills.c userland/lib/store/test_kills.c
store_kills_LIBS := store policy base

FUZZERS += fuzz_store
fuzz_store_SRCS := userland/lib/store/fuzz_store.c
fuzz_store_LIBS := store policy base
# each input is a database that is opened
fuzz_store_RUNS := 500

FUZZERS += fuzz_store_text
fuzz_store_text_SRCS := userland/lib/store/fuzz_text.c userland/ctl/words.c
fuzz_store_text_LIBS := store policy base
fuzz_store_text_PKGS := libsystemd sqlite3

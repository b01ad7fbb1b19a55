# SPDX-License-Identifier: MIT
LIBS += agent
agent_SRCS := \
	userland/agent/addresses.c \
	userland/agent/agent.c \
	userland/agent/boot.c \
	userland/agent/bus.c \
	userland/agent/bus_dynamic.c \
	userland/agent/bus_request.c \
	userland/agent/bus_runs.c \
	userland/agent/bus_sas.c \
	userland/agent/bus_store.c \
	userland/agent/caller.c \
	userland/agent/commit.c \
	userland/agent/compile.c \
	userland/agent/config.c \
	userland/agent/cred.c \
	userland/agent/driver_check.c \
	userland/agent/dry_run.c \
	userland/agent/dynamic.c \
	userland/agent/event_drop.c \
	userland/agent/event_entry.c \
	userland/agent/event_ike.c \
	userland/agent/event_store.c \
	userland/agent/event_table.c \
	userland/agent/events.c \
	userland/agent/expand.c \
	userland/agent/explain.c \
	userland/agent/explain_stored.c \
	userland/agent/gone.c \
	userland/agent/grants.c \
	userland/agent/ike.c \
	userland/agent/install.c \
	userland/agent/jobs.c \
	userland/agent/keylog.c \
	userland/agent/layers.c \
	userland/agent/layers_mm.c \
	userland/agent/memory.c \
	userland/agent/names.c \
	userland/agent/negotiate.c \
	userland/agent/oakley.c \
	userland/agent/pairs.c \
	userland/agent/process.c \
	userland/agent/reply.c \
	userland/agent/report.c \
	userland/agent/resolve.c \
	userland/agent/response.c \
	userland/agent/ruleset.c \
	userland/agent/runs_store.c \
	userland/agent/runs.c \
	userland/agent/sa_check.c \
	userland/agent/servers.c \
	userland/agent/settings.c \
	userland/agent/show.c \
	userland/agent/show_filter.c \
	userland/agent/soft.c \
	userland/agent/start.c \
	userland/agent/state.c \
	userland/agent/stats.c \
	userland/agent/status.c \
	userland/agent/store_job.c \
	userland/agent/stores.c \
	userland/agent/strength.c \
	userland/agent/support.c \
	userland/agent/traffic.c \
	userland/agent/translate.c \
	userland/agent/trial.c \
	userland/agent/tunnel.c \
	userland/agent/watch.c
agent_LIBS := boot daemon link ike store policy nl base
agent_PKGS := libsystemd libnl-3.0

PROGS += ipsec-policy-agent
ipsec-policy-agent_SRCS := userland/agent/main.c
ipsec-policy-agent_LIBS := agent
ipsec-policy-agent_PKGS := libsystemd

TESTS += test_expand test_dynamic test_runs test_layers test_state test_resolve
test_expand_SRCS := userland/agent/test_expand.c
test_expand_LIBS := agent
test_expand_PKGS := cmocka
test_dynamic_SRCS := userland/agent/test_dynamic.c
test_dynamic_LIBS := agent
test_dynamic_PKGS := cmocka
TESTS += test_compile test_runs_store
test_runs_store_SRCS := userland/agent/test_runs_store.c
test_runs_store_LIBS := agent
test_runs_store_PKGS := cmocka
test_compile_SRCS := userland/agent/test_compile.c userland/lib/store/test_content.c \
	userland/ctl/words.c
test_compile_LIBS := agent
test_compile_PKGS := cmocka
test_runs_SRCS := userland/agent/test_runs.c
test_runs_LIBS := agent
test_runs_PKGS := cmocka
test_layers_SRCS := userland/agent/test_layers.c
test_layers_LIBS := agent nl_fake
test_layers_PKGS := cmocka
test_state_SRCS := userland/agent/test_state.c
test_state_LIBS := agent
test_state_PKGS := cmocka
test_resolve_SRCS := userland/agent/test_resolve.c
test_resolve_LIBS := agent
test_resolve_PKGS := cmocka

TESTS += test_negotiate test_agent_renew test_agent_soft
test_agent_soft_SRCS := userland/agent/test_soft.c userland/agent/test_scene.c userland/agent/test_journal.c
test_agent_soft_LIBS := agent nl_fake
test_agent_soft_PKGS := cmocka
test_agent_renew_SRCS := userland/agent/test_renew.c userland/agent/test_scene.c
test_agent_renew_LIBS := agent nl_fake
test_agent_renew_PKGS := cmocka
test_negotiate_SRCS := userland/agent/test_negotiate.c userland/agent/test_scene.c
test_negotiate_LIBS := agent nl_fake
test_negotiate_PKGS := cmocka

TESTS += test_agent_response
test_agent_response_SRCS := userland/agent/test_response.c userland/agent/test_scene.c
test_agent_response_LIBS := agent nl_fake
test_agent_response_PKGS := cmocka

TESTS += test_agent_tunnel
test_agent_tunnel_SRCS := userland/agent/test_tunnel.c userland/agent/test_scene.c
test_agent_tunnel_LIBS := agent nl_fake
test_agent_tunnel_PKGS := cmocka

TESTS += test_agent test_agent_show
test_agent_show_SRCS := userland/agent/test_show.c userland/agent/test_world.c
test_agent_show_LIBS := agent nl_fake
test_agent_show_PKGS := cmocka
test_agent_SRCS := userland/agent/test_agent.c userland/agent/test_world.c
test_agent_LIBS := agent nl_fake
test_agent_PKGS := cmocka

TESTS += test_agent_keylog
test_agent_keylog_SRCS := userland/agent/test_keylog.c
test_agent_keylog_LIBS := agent
test_agent_keylog_PKGS := cmocka

TESTS += test_agent_events
test_agent_events_SRCS := userland/agent/test_events.c userland/agent/test_journal.c
test_agent_events_LIBS := agent
test_agent_events_PKGS := cmocka

TESTS += test_agent_settings
test_agent_settings_SRCS := userland/agent/test_settings.c
test_agent_settings_LIBS := agent
test_agent_settings_PKGS := cmocka

TESTS += test_oakley
test_oakley_SRCS := userland/agent/test_oakley.c userland/agent/test_journal.c
test_oakley_LIBS := agent
test_oakley_PKGS := cmocka

TESTS += test_trial
test_trial_SRCS := userland/agent/test_trial.c
test_trial_LIBS := agent
test_trial_PKGS := cmocka

TESTS += test_stores
test_stores_SRCS := userland/agent/test_stores.c userland/agent/test_store_calls.c \
	userland/agent/test_world.c
test_stores_LIBS := agent nl_fake
test_stores_PKGS := cmocka

TESTS += test_store_callers
test_store_callers_SRCS := userland/agent/test_store_callers.c userland/agent/test_store_calls.c \
	userland/agent/test_world.c
test_store_callers_LIBS := agent nl_fake
test_store_callers_PKGS := cmocka
TESTS += test_strength
test_strength_SRCS := userland/agent/test_strength.c userland/agent/test_store_calls.c \
	userland/agent/test_world.c
test_strength_LIBS := agent nl_fake
test_strength_PKGS := cmocka

TESTS += test_agent_runs
test_agent_runs_SRCS := userland/agent/test_agent_runs.c userland/agent/test_world.c
test_agent_runs_LIBS := agent nl_fake
test_agent_runs_PKGS := cmocka

TESTS += test_agent_dry_run
test_agent_dry_run_SRCS := userland/agent/test_dry_run.c userland/agent/test_store_calls.c \
	userland/agent/test_world.c
test_agent_dry_run_LIBS := agent nl_fake
test_agent_dry_run_PKGS := cmocka

TESTS += test_agent_boot
test_agent_boot_SRCS := userland/agent/test_boot.c userland/agent/test_store_calls.c \
	userland/agent/test_world.c
test_agent_boot_LIBS := agent nl_fake
test_agent_boot_PKGS := cmocka

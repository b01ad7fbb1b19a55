# SPDX-License-Identifier: MIT
LIBS += ike
ike_SRCS := \
	userland/lib/ike/admission.c \
	userland/lib/ike/alg.c \
	userland/lib/ike/auth.c \
	userland/lib/ike/auth_cert.c \
	userland/lib/ike/auth_gss.c \
	userland/lib/ike/auth_psk.c \
	userland/lib/ike/child.c \
	userland/lib/ike/connected.c \
	userland/lib/ike/credential.c \
	userland/lib/ike/crypto.c \
	userland/lib/ike/deletion.c \
	userland/lib/ike/dh.c \
	userland/lib/ike/dh_ring.c \
	userland/lib/ike/dpd.c \
	userland/lib/ike/ending.c \
	userland/lib/ike/engine.c \
	userland/lib/ike/exchange.c \
	userland/lib/ike/fragment.c \
	userland/lib/ike/fragmentation.c \
	userland/lib/ike/gss_name.c \
	userland/lib/ike/half_open.c \
	userland/lib/ike/ident.c \
	userland/lib/ike/informational.c \
	userland/lib/ike/inventory.c \
	userland/lib/ike/job.c \
	userland/lib/ike/keys.c \
	userland/lib/ike/main_mode.c \
	userland/lib/ike/main_mode_initiator.c \
	userland/lib/ike/main_mode_responder.c \
	userland/lib/ike/mismatch.c \
	userland/lib/ike/mm.c \
	userland/lib/ike/names.c \
	userland/lib/ike/natt.c \
	userland/lib/ike/notify.c \
	userland/lib/ike/peer.c \
	userland/lib/ike/proposal_mm.c \
	userland/lib/ike/proposal_qm.c \
	userland/lib/ike/protected.c \
	userland/lib/ike/qm.c \
	userland/lib/ike/quick_mode.c \
	userland/lib/ike/quick_mode_initiator.c \
	userland/lib/ike/quick_mode_responder.c \
	userland/lib/ike/reason.c \
	userland/lib/ike/reply.c \
	userland/lib/ike/report.c \
	userland/lib/ike/request.c \
	userland/lib/ike/sa_payload.c \
	userland/lib/ike/secret.c \
	userland/lib/ike/status.c \
	userland/lib/ike/succession.c \
	userland/lib/ike/table.c \
	userland/lib/ike/trace.c \
	userland/lib/ike/vid.c \
	userland/lib/ike/wire.c
ike_LIBS := base
ike_PKGS := libcrypto

# Two engines with a network, a driver and an agent between them.
ike_SIM := userland/lib/ike/sim.c userland/lib/ike/sim_credentials.c userland/lib/ike/sim_look.c

ike_TESTS := \
	test_ike_crypto \
	test_ike_fragment \
	test_ike_ident \
	test_ike_keys \
	test_ike_mismatch \
	test_ike_parts \
	test_ike_proposal_mm \
	test_ike_proposal_qm \
	test_ike_wire
ike_SIM_TESTS := \
	test_ike_auth \
	test_ike_auth_hostile \
	test_ike_connected \
	test_ike_deletion \
	test_ike_dpd \
	test_ike_engine \
	test_ike_failure \
	test_ike_flood \
	test_ike_fragmentation \
	test_ike_hostile \
	test_ike_job \
	test_ike_loss \
	test_ike_natt \
	test_ike_network \
	test_ike_rekey \
	test_ike_succession \
	test_ike_trace

TESTS += $(ike_TESTS) $(ike_SIM_TESTS)
$(foreach t,$(ike_TESTS) $(ike_SIM_TESTS),\
	$(eval $(t)_SRCS := userland/lib/ike/$(subst test_ike_,test_,$(t)).c)\
	$(eval $(t)_LIBS := ike)\
	$(eval $(t)_PKGS := cmocka))
$(foreach t,$(ike_SIM_TESTS),$(eval $(t)_SRCS += $(ike_SIM)))
test_ike_flood_SRCS += userland/lib/ike/test_stranger.c
test_ike_hostile_SRCS += userland/lib/ike/test_stranger.c

ike_FUZZERS := \
	fuzz_engine \
	fuzz_fragment \
	fuzz_sa \
	fuzz_wire

FUZZERS += $(ike_FUZZERS)
$(foreach f,$(ike_FUZZERS),\
	$(eval $(f)_SRCS := userland/lib/ike/$(f).c userland/lib/ike/fuzz_start.c)\
	$(eval $(f)_LIBS := ike))
# Real Diffie-Hellman would take most of its time.
fuzz_engine_SRCS += $(ike_SIM) userland/lib/ike/sim_dh.c \
	userland/lib/ike/fuzz_admin.c \
	userland/lib/ike/fuzz_engine_seeds.c \
	userland/lib/ike/fuzz_forge.c \
	userland/lib/ike/fuzz_network.c

# Each fuzzer's seeds and a fixed number of mutations, under the sanitizers.
ike_FUZZ_TESTS := $(ike_FUZZERS:%=test_ike_%)

TESTS += $(ike_FUZZ_TESTS)
$(foreach t,$(ike_FUZZ_TESTS),\
	$(eval $(t)_SRCS := $($(t:test_ike_%=%)_SRCS) userland/lib/ike/fuzz_replay.c)\
	$(eval $(t)_LIBS := ike)\
	$(eval $(t)_PKGS := cmocka))

# SPDX-License-Identifier: MIT
# All of it but the process and its sockets, for the program, its tests and its fuzzers.
LIBS += cred
cred_SRCS := \
	userland/cred/certs.c \
	userland/cred/chain.c \
	userland/cred/choose.c \
	userland/cred/crl.c \
	userland/cred/fetch.c \
	userland/cred/fetch_http.c \
	userland/cred/fetch_job.c \
	userland/cred/fetch_ldap.c \
	userland/cred/fetch_process.c \
	userland/cred/files.c \
	userland/cred/gss_context.c \
	userland/cred/gss_keytab.c \
	userland/cred/gss_message.c \
	userland/cred/gss_process.c \
	userland/cred/guard.c \
	userland/cred/helper.c \
	userland/cred/identity.c \
	userland/cred/keeper.c \
	userland/cred/kerberos.c \
	userland/cred/limiter.c \
	userland/cred/name.c \
	userland/cred/opener.c \
	userland/cred/principal.c \
	userland/cred/proof.c \
	userland/cred/rules.c \
	userland/cred/secrets.c \
	userland/cred/signature.c \
	userland/cred/store.c \
	userland/cred/trust.c
cred_LIBS := daemon link ike base
cred_PKGS := krb5 krb5-gssapi ldap lber libcrypto libcurl libsystemd

PROGS += ipsec-cred
ipsec-cred_SRCS := \
	userland/cred/main.c \
	userland/cred/serve.c \
	userland/lib/daemon/wipe_free.c
ipsec-cred_LIBS := cred daemon link ike base

TESTS += test_helper test_limiter test_principal test_secrets
$(foreach t,test_helper test_limiter test_principal test_secrets,\
	$(eval $(t)_SRCS := userland/cred/$(t).c)\
	$(eval $(t)_LIBS := cred)\
	$(eval $(t)_PKGS := cmocka))

TESTS += test_serve
test_serve_SRCS := userland/cred/test_serve.c userland/cred/serve.c
test_serve_LIBS := cred daemon link ike base
test_serve_PKGS := cmocka

# Certificate authorities are made on the spot.
cred_CA_TESTS := test_choose test_certs test_crl test_files test_proof

TESTS += $(cred_CA_TESTS)
$(foreach t,$(cred_CA_TESTS),\
	$(eval $(t)_SRCS := userland/cred/$(t).c userland/cred/test_ca.c)\
	$(eval $(t)_LIBS := cred)\
	$(eval $(t)_PKGS := cmocka))

test_certs_SRCS += userland/cred/test_web.c

TESTS += test_fetch
test_fetch_SRCS := userland/cred/test_fetch.c userland/cred/test_web.c
test_fetch_LIBS := cred
test_fetch_PKGS := cmocka

FUZZERS += fuzz_cert
fuzz_cert_SRCS := userland/cred/fuzz_cert.c userland/cred/test_ca.c userland/lib/ike/fuzz_start.c
fuzz_cert_LIBS := cred
fuzz_cert_PKGS := cmocka

# Its seeds and a fixed number of mutations, under the sanitizers.
TESTS += test_cred_fuzz_cert
test_cred_fuzz_cert_SRCS := $(fuzz_cert_SRCS) userland/lib/ike/fuzz_replay.c
test_cred_fuzz_cert_LIBS := cred
test_cred_fuzz_cert_PKGS := cmocka

# Realms and their KDCs too.
TESTS += test_gss
test_gss_SRCS := userland/cred/test_gss.c userland/cred/test_realm.c userland/cred/serve.c
test_gss_LIBS := cred
test_gss_PKGS := cmocka

FUZZERS += fuzz_gss_name
fuzz_gss_name_SRCS := userland/cred/fuzz_gss_name.c userland/cred/principal.c
fuzz_gss_name_LIBS := base
fuzz_gss_name_PKGS := krb5

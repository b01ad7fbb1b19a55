# SPDX-License-Identifier: GPL-2.0-only
# Suites of kernel/tests as programs, with a few lines of stand-ins for the kernel, so that they
# run with the sanitizers, under valgrind, and with a million packets.

TESTS += test_filter test_flowcache
test_filter_SRCS := kernel/tests/filter_test.c kernel/tests/user/kunit.c kernel/tests/user/shim.c
test_filter_PKGS := cmocka
test_flowcache_SRCS := kernel/tests/flowcache_test.c kernel/tests/user/kunit.c \
	kernel/tests/user/shim.c
test_flowcache_PKGS := cmocka

build/obj/kernel/%.o build/asan/kernel/%.o: override CPPFLAGS += \
	-Ikernel/tests/user/include -Ikernel/tests/user -Ikernel -Iinclude
# the kernel's own warnings have neither
build/obj/kernel/%.o build/asan/kernel/%.o: override CPPFLAGS += \
	-Wno-unused-parameter -Wno-sign-compare -Wno-missing-field-initializers

# build/bench_filter: nanoseconds per search
BENCHES += bench_filter
build/bench_filter: build/obj/kernel/tests/user/bench_filter.o build/obj/kernel/tests/user/shim.o
	$(say) LD $@
	$(Q)$(CC) -o $@ $^

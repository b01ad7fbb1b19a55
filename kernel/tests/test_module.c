// SPDX-License-Identifier: GPL-2.0-only
/*
 * ipsecdrv_test.ko: the KUnit suites beside this file; they run when it is loaded.
 */
#include <linux/module.h>

MODULE_DESCRIPTION("Unit tests of the IPsec driver");
MODULE_LICENSE("GPL");

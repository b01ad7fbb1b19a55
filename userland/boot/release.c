// SPDX-License-Identifier: MIT
/*
 * ipsec-policy-release: a driver that no agent has taken over yet is put into permit mode, so that
 * it can be unloaded; for ipsec-policy-boot.service, when the initramfs has loaded it in a mode that
 * the agent's start type forbids. Once there has been an agent it is left alone: an administrator
 * stops the service instead.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "nl/kernel_genl.h"

#define NAME "ipsec-policy-release"

static int release(struct kernel *kernel)
{
	struct kernel_status status;
	int r = kernel->ops->status_get(kernel, &status);

	if (r)
		fprintf(stderr, NAME ": the driver's mode cannot be read: %s\n", kernel->why);
	else if (status.mode < IPSECDRV_MODE_STARTUP_PERMIT)
		return -EBUSY;
	else if (status.mode > IPSECDRV_MODE_STARTUP_PERMIT)
		r = kernel->ops->mode_set(kernel, IPSECDRV_MODE_PERMIT, -1);
	if (r)
		fprintf(stderr, NAME ": the driver's mode cannot be set: %s\n", kernel->why);
	return r;
}

int main(void)
{
	char why[KERNEL_WHY_LEN];
	struct kernel *kernel;
	int r = kernel_genl_open(&kernel, why);

	if (r) {
		fprintf(stderr, NAME ": %s\n", why);
		return EXIT_FAILURE;
	}
	r = release(kernel);
	kernel_free(kernel);
	return r ? EXIT_FAILURE : EXIT_SUCCESS;
}

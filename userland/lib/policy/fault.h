/* SPDX-License-Identifier: MIT */
#ifndef POLICY_FAULT_H
#define POLICY_FAULT_H

#include "policy/bus.h"

/*
 * Why a change was refused: what becomes a D-Bus error. The text is one sentence that names the
 * object, the fault and the remedy; no full stop.
 */
#define FAULT_TEXT_LEN 640

struct fault {
	enum policy_error number;	/* 0: not one of the service's */
	const char *name;		/* of the D-Bus error when number is 0; a constant */
	char text[FAULT_TEXT_LEN];
};

/* All return -EINVAL, -EPERM or -EIO, so that a caller can return what they return. */
int fault_number(struct fault *fault, enum policy_error number, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
int fault_invalid(struct fault *fault, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
int fault_denied(struct fault *fault, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
int fault_failed(struct fault *fault, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
int fault_no_memory(struct fault *fault);

#endif /* POLICY_FAULT_H */

// SPDX-License-Identifier: MIT
/*
 * ipsec-policy-options: writes what the driver is to start with, for the agent, which may not.
 * systemd starts it for a connection, which is its standard input and output. The work is
 * boot/request.c's.
 */
#include <errno.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "boot/request.h"

#define NAME "ipsec-policy-options"

static const char help[] =
	"Usage: " NAME " [FILE]\n"
	"\n"
	"Reads a request of ipsec-policy-agent from standard input and writes FILE\n"
	"(" BOOT_OPTIONS_FILE "). systemd starts it; see\n"
	"ipsec-policy-boot.service(8).\n";

/* The whole of standard input; NULL if it is too long, or is no text. */
static char *read_request(void)
{
	_cleanup_free_ char *text = calloc(1, BOOT_REQUEST_MAX + 2);
	size_t len = text ? fread(text, 1, BOOT_REQUEST_MAX + 1, stdin) : 0;

	if (!text || ferror(stdin) || len > BOOT_REQUEST_MAX || strlen(text) != len)
		return NULL;
	return TAKE_PTR(text);
}

int main(int argc, char **argv)
{
	const char *path = argc == 2 ? argv[1] : BOOT_OPTIONS_FILE;
	char answer[BOOT_ANSWER_MAX] = BOOT_FAILED " the request cannot be read";
	_cleanup_free_ char *text = NULL;
	int r = -EINVAL;

	if (argc > 2 || path[0] != '/') {
		fputs(help, argc == 2 && !strcmp(path, "--help") ? stdout : stderr);
		return argc == 2 && !strcmp(path, "--help") ? EXIT_SUCCESS : EXIT_FAILURE;
	}
	text = read_request();
	if (text)
		r = boot_request_serve(text, path, answer);
	if (r)
		fprintf(stderr, NAME ": %s\n", answer);
	puts(answer);
	return r || fflush(stdout) ? EXIT_FAILURE : EXIT_SUCCESS;
}

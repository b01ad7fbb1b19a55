// SPDX-License-Identifier: MIT
#include "ctl/ssh.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/parse.h"

#define VARIABLE	"SSH_CONNECTION="
#define MAX_ANCESTORS	64
#define MAX_TEXT	160		/* two addresses with zones, two ports */

int ctl_ssh_parse(const char *text, struct store_check_context *ret_context)
{
	struct store_check_context context = { .ssh_local_port = 0 };
	char copy[MAX_TEXT], *rest = copy, *words[4];

	if (strlen(text) >= sizeof(copy))
		return -EINVAL;
	strcpy(copy, text);
	for (size_t i = 0; i < 4; i++) {
		words[i] = strsep(&rest, " ");
		if (!words[i])
			return -EINVAL;
	}
	if (rest || ip_addr_parse(words[0], &context.ssh_remote) < 0 ||
	    parse_u16(words[1], &context.ssh_remote_port) < 0 ||
	    ip_addr_parse(words[2], &context.ssh_local) < 0 ||
	    parse_u16(words[3], &context.ssh_local_port) < 0 ||
	    context.ssh_remote.family != context.ssh_local.family)
		return -EINVAL;
	*ret_context = context;
	return 0;
}

/* The variable in the environment that process @pid began with. */
static char *find_in_process(unsigned int pid)
{
	_cleanup_fclose_ FILE *file = NULL;
	_cleanup_free_ char *entry = NULL;
	char path[32];
	size_t size = 0;

	snprintf(path, sizeof(path), "/proc/%u/environ", pid);
	file = fopen(path, "re");
	while (file && getdelim(&entry, &size, '\0', file) > 0)
		if (!strncmp(entry, VARIABLE, strlen(VARIABLE)))
			return strdup(entry + strlen(VARIABLE));
	return NULL;
}

/* 0 behind the last one. */
static unsigned int parent_of(unsigned int pid)
{
	_cleanup_fclose_ FILE *file = NULL;
	char path[32], line[512], *end;
	uint32_t parent;

	snprintf(path, sizeof(path), "/proc/%u/stat", pid);
	file = fopen(path, "re");
	if (!file || !fgets(line, sizeof(line), file))
		return 0;
	/* "1234 (name) S 1233 ...", where the name may have blanks and parentheses */
	end = strrchr(line, ')');
	if (!end || strlen(end) < 5)
		return 0;
	end += 4;
	end[strcspn(end, " ")] = '\0';
	return parse_u32(end, &parent) < 0 ? 0 : parent;
}

char *ctl_ssh_find(void)
{
	const char *own = getenv("SSH_CONNECTION");
	unsigned int pid = (unsigned int)getpid();

	if (own)
		return strdup(own);
	for (int i = 0; i < MAX_ANCESTORS; i++) {
		char *found;

		pid = parent_of(pid);
		if (pid <= 1)
			break;
		found = find_in_process(pid);
		if (found)
			return found;
	}
	return NULL;
}

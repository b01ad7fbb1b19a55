// SPDX-License-Identifier: MIT
#include <errno.h>
#include <sys/stat.h>

#include "store/store.h"

static bool is_in_group(gid_t gid, const gid_t *gids, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (gids[i] == gid)
			return true;
	return false;
}

/* The first that fits decides, as in path_resolution(7): an owner without a right has none. */
static mode_t rights(const struct stat *status, uid_t uid, const gid_t *gids, size_t n_gids)
{
	if (uid == status->st_uid)
		return status->st_mode >> 6 & 7;
	if (is_in_group(status->st_gid, gids, n_gids))
		return status->st_mode >> 3 & 7;
	return status->st_mode & 7;
}

int store_access(const char *path, bool writes, uid_t uid, const gid_t *gids, size_t n_gids)
{
	struct stat status;

	if (lstat(path, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode))
		return -EBADMSG;
	if (!uid || rights(&status, uid, gids, n_gids) & (writes ? 2 : 4))
		return 0;
	return -EACCES;
}

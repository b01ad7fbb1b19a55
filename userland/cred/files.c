// SPDX-License-Identifier: MIT
#include "cred/files.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "cred/helper.h"
#include "cred/opener.h"
#include "cred/store.h"

struct files {
	struct files_config config;
	struct opener opener;
	struct helper *helper;
	struct store *store;		/* being read; NULL: none */
	size_t n_files;
};

/* --- one file ----------------------------------------------------------------------------- */

/* A key that others can read is no secret, one that others can write is not ours. */
static bool is_closed_to_others(const struct files *files, const struct stat *st)
{
	mode_t others = S_IRWXO | S_IWGRP | S_IXGRP;

	if (st->st_uid != 0 && st->st_uid != files->config.uid)
		return false;
	if (st->st_gid != files->config.gid && st->st_gid != 0)
		others |= S_IRGRP;
	return !(st->st_mode & others);
}

ssize_t files_read(int fd, void *buf, size_t size)
{
	size_t len = 0;

	while (len < size) {
		ssize_t n = read(fd, (char *)buf + len, size - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	return (ssize_t)len;
}

static void read_contents(struct files *files, enum store_folder folder, const char *name, int fd,
			  bool may_have_key)
{
	/* a byte more than the limit tells that there is more */
	size_t size = store_limit(folder, name) + 1;
	uint8_t *buf = malloc(size);
	ssize_t len = buf ? files_read(fd, buf, size) : -ENOMEM;

	if (len < 0)
		log_warning("%s: cannot be read (%s), leaving it out", name, strerror((int)-len));
	else
		store_add(files->store, folder, name, (struct bytes){ buf, (size_t)len },
			  may_have_key);
	(void)wipe_free(buf, len > 0 ? (size_t)len : 0);
}

static void read_file(struct files *files, enum store_folder folder, const char *name, int fd)
{
	bool may_have_key = store_may_have_key(folder, name);
	struct stat st;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return;
	/* certificates alone may be open */
	may_have_key = may_have_key && is_closed_to_others(files, &st);
	read_contents(files, folder, name, fd, may_have_key);
}

/* --- notices ------------------------------------------------------------------------------ */

static void complain(const struct files *files, const struct opener_notice *notice)
{
	const char *dir = files->config.dir;

	if (*notice->name)
		log_warning("%s: cannot be opened (%s)%s, leaving it out", notice->name,
			    strerror(notice->error), notice->error == ELOOP ? ", it is a link" : "");
	else if (notice->error == EPERM)
		log_error("%s: a folder in it, or it itself, is not root's, or others can write to "
			  "it, leaving out what is there; \"chown root; chmod go-w\"", dir);
	else if (notice->error != ENOENT)
		log_error("%s: cannot be opened: %s", dir, strerror(notice->error));
}

static void finish(struct files *files)
{
	store_finish(files->store);
	log_info("%zu own certificates, %d of root CAs, %d of others, %d CRLs",
		 store_n_own(files->store), sk_X509_num(store_roots(files->store)),
		 sk_X509_num(store_intermediates(files->store)),
		 sk_X509_CRL_num(store_crls(files->store)));
	files->config.loaded(files->config.userdata, TAKE_PTR(files->store));
}

static void begin(struct files *files)
{
	(void)store_free(files->store);
	files->store = store_new();
	files->n_files = 0;
	if (!files->store)
		log_error("out of memory, keeping the certificates as they are");
}

static void on_file(struct files *files, const struct opener_notice *notice)
{
	_cleanup_close_ int fd = helper_take_file(files->helper);

	if (fd >= 0 && files->n_files++ < STORE_FOLDERS * OPENER_FILES_MAX)
		read_file(files, notice->folder, notice->name, fd);
}

static bool is_sound(const struct opener_notice *notice, size_t len)
{
	return len == sizeof(*notice) && notice->folder < STORE_FOLDERS &&
	       memchr(notice->name, '\0', sizeof(notice->name)) &&
	       (notice->kind != OPENER_FILE || store_wants(notice->folder, notice->name));
}

static void on_notice(void *userdata, const void *data, size_t len)
{
	struct opener_notice notice;
	struct files *files = userdata;

	if (len != sizeof(notice))
		return;
	memcpy(&notice, data, sizeof(notice));
	if (!is_sound(&notice, len))
		return;
	if (notice.kind == OPENER_BEGIN)
		begin(files);
	else if (notice.kind == OPENER_FAILED)
		complain(files, &notice);
	else if (notice.kind == OPENER_FILE && files->store)
		on_file(files, &notice);
	else if (notice.kind == OPENER_END && files->store)
		finish(files);
}

/* --- life --------------------------------------------------------------------------------- */

void files_read_again(struct files *files)
{
	int r = helper_tell(files->helper, NULL, 0);

	if (r < 0)
		log_error("%s: cannot be read again: %s", files->config.dir, strerror(-r));
}

struct files *files_free(struct files *files)
{
	if (!files)
		return NULL;
	(void)helper_free(files->helper);
	(void)store_free(files->store);
	free(files);
	return NULL;
}

int files_new(sd_event *event, const struct files_config *config, struct files **ret_files)
{
	_cleanup_(files_freep) struct files *files = calloc(1, sizeof(*files));
	struct helper_config helper = {
		.name = "cred-opener",
		.user = config->user,
		.prepare = opener_prepare,
		.run = opener_run,
		.notice = on_notice,
		.passes_files = true,
		.timeout_usec = 1,
		.calls_max = 1,
	};
	int r;

	if (!files)
		return -ENOMEM;
	files->config = *config;
	files->opener.path = config->dir;
	helper.run_userdata = &files->opener;
	helper.notice_userdata = files;
	r = helper_new(event, &helper, &files->helper);
	if (r < 0)
		return r;
	*ret_files = TAKE_PTR(files);
	return 0;
}

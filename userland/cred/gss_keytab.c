// SPDX-License-Identifier: MIT
#include "cred/gss_keytab.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <com_err.h>
#include <krb5.h>

#include "base/cleanup.h"
#include "base/log.h"

#define FILE_MAX_LEN (1 << 20)

struct gss_keytab {
	char *path;
	krb5_context krb5; /* NULL: krb5.conf is not as it should be */
	bool has_complained; /* of that */
	int fd; /* of the file, -1: there was none */
	struct stat seen; /* when it was read */
	struct stat refused; /* the file that may not be opened, about which something was said */
	struct gss_names names;
	/*
	 * The copy and the one before it, which somebody may just be about to open by its name; none of
	 * them is ever changed.
	 */
	krb5_keytab copies[2];
	unsigned int generation;
	pthread_mutex_t lock; /* of generation, for other threads */
};

static bool is_same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

static bool is_same_content(const struct stat *a, const struct stat *b)
{
	return is_same_file(a, b) && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* --- the file ----------------------------------------------------------------------------- */

static void complain(struct gss_keytab *keytab, const struct stat *st, int error)
{
	if (is_same_file(st, &keytab->refused))
		return;
	keytab->refused = *st;
	log_warning(
		"keytab %s cannot be opened (%s); %s until ipsec-cred is started again or its user "
		"may read it",
		keytab->path, strerror(error),
		keytab->fd < 0 ? "no Kerberos" : "the file that was there before is used");
}

/* The file that has the name now. */
static void open_file(struct gss_keytab *keytab)
{
	struct stat now, held;
	int fd;

	if (stat(keytab->path, &now) < 0)
		return;
	if (keytab->fd >= 0 && fstat(keytab->fd, &held) == 0 && is_same_file(&now, &held))
		return;
	fd = open(keytab->path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		complain(keytab, &now, errno);
		return;
	}
	if (keytab->fd >= 0)
		(void)close(keytab->fd);
	keytab->fd = fd;
}

static int copy_file(int from, int to)
{
	uint8_t buf[4096];
	off_t place = 0;
	ssize_t n;

	while ((n = pread(from, buf, sizeof(buf), place)) > 0) {
		if (place + n > FILE_MAX_LEN || write(to, buf, (size_t)n) != n) {
			n = -1;
			errno = EFBIG;
			break;
		}
		place += n;
	}
	wipe(buf, sizeof(buf));
	return n < 0 ? -errno : 0;
}

/* --- the copy ----------------------------------------------------------------------------- */

static void add_name(krb5_context krb5, krb5_const_principal principal, struct gss_names *names)
{
	char *text;

	if (names->n_names == GSS_NAMES_MAX || krb5_unparse_name(krb5, principal, &text) != 0)
		return;
	if (principal_is_host(text)) {
		bool is_known = false;

		for (size_t i = 0; i < names->n_names; i++)
			is_known |= strcmp(names->names[i], text) == 0;
		if (!is_known)
			strcpy(names->names[names->n_names++], text);
	}
	krb5_free_unparsed_name(krb5, text);
}

static krb5_error_code copy_entries(krb5_context krb5, krb5_keytab from, krb5_keytab to,
				    struct gss_names *ret_names)
{
	krb5_keytab_entry entry;
	krb5_kt_cursor cursor;
	krb5_error_code code = krb5_kt_start_seq_get(krb5, from, &cursor);

	if (code != 0)
		return code;
	while ((code = krb5_kt_next_entry(krb5, from, &entry, &cursor)) == 0) {
		code = krb5_kt_add_entry(krb5, to, &entry);
		add_name(krb5, entry.principal, ret_names);
		(void)krb5_free_keytab_entry_contents(krb5, &entry);
		if (code != 0)
			break;
	}
	(void)krb5_kt_end_seq_get(krb5, from, &cursor);
	return code == KRB5_KT_END ? 0 : code;
}

static void write_place(unsigned int generation, char place[static GSS_KEYTAB_PLACE_SIZE])
{
	(void)snprintf(place, GSS_KEYTAB_PLACE_SIZE, "MEMORY:ipsec-cred-%u", generation);
}

static void use_copy(struct gss_keytab *keytab, krb5_keytab copy)
{
	krb5_keytab *oldest;

	(void)pthread_mutex_lock(&keytab->lock);
	keytab->generation++;
	(void)pthread_mutex_unlock(&keytab->lock);
	oldest = &keytab->copies[keytab->generation % 2];
	if (*oldest)
		(void)krb5_kt_close(keytab->krb5, *oldest);
	*oldest = copy;
}

/* The file's bytes at @fd, as the library wants to see them. */
static krb5_error_code load(struct gss_keytab *keytab, int fd, struct gss_names *ret_names)
{
	char file[64], place[GSS_KEYTAB_PLACE_SIZE];
	krb5_keytab from = NULL, to = NULL;
	krb5_error_code code;

	(void)snprintf(file, sizeof(file), "FILE:/proc/self/fd/%d", fd);
	write_place(keytab->generation + 1, place);
	code = krb5_kt_resolve(keytab->krb5, file, &from);
	if (code == 0)
		code = krb5_kt_resolve(keytab->krb5, place, &to);
	if (code == 0)
		code = copy_entries(keytab->krb5, from, to, ret_names);
	if (code == 0)
		use_copy(keytab, to);
	else if (to)
		(void)krb5_kt_close(keytab->krb5, to);
	if (from)
		(void)krb5_kt_close(keytab->krb5, from);
	return code;
}

static void complain_of_content(struct gss_keytab *keytab, krb5_error_code code)
{
	const char *text = krb5_get_error_message(keytab->krb5, code);

	log_warning("keytab %s: %s, %s", keytab->path, text,
		    keytab->copies[0] || keytab->copies[1]
			    ? "keeping the keys that were in it before"
			    : "no Kerberos");
	krb5_free_error_message(keytab->krb5, text);
}

/*
 * The library opens files by name, and this one's belongs to root: so it gets a file of the same
 * content that is ours.
 */
static bool reload(struct gss_keytab *keytab)
{
	_cleanup_close_ int copy = memfd_create("keytab", MFD_CLOEXEC);
	struct gss_names names = { 0 };
	krb5_error_code code;
	bool is_changed;

	if (copy < 0 || copy_file(keytab->fd, copy) < 0) {
		log_warning("keytab %s cannot be read: %s", keytab->path, strerror(errno));
		return false;
	}
	code = load(keytab, copy, &names);
	if (code != 0) {
		complain_of_content(keytab, code);
		return false;
	}
	is_changed = memcmp(&names, &keytab->names, sizeof(names)) != 0;
	keytab->names = names;
	return is_changed;
}

/* --- keytab ------------------------------------------------------------------------------- */

static bool has_krb5(struct gss_keytab *keytab)
{
	krb5_error_code code;

	if (keytab->krb5)
		return true;
	code = krb5_init_context(&keytab->krb5);
	if (code == 0)
		return true;
	if (!keytab->has_complained)
		log_warning("krb5.conf: %s; no Kerberos until that is mended", error_message(code));
	keytab->has_complained = true;
	return false;
}

bool gss_keytab_refresh(struct gss_keytab *keytab)
{
	struct stat now;

	open_file(keytab);
	if (!has_krb5(keytab) || keytab->fd < 0 || fstat(keytab->fd, &now) < 0 ||
	    is_same_content(&now, &keytab->seen))
		return false;
	keytab->seen = now;
	return reload(keytab);
}

const struct gss_names *gss_keytab_names(const struct gss_keytab *keytab)
{
	return &keytab->names;
}

void gss_keytab_place(struct gss_keytab *keytab, char place[static GSS_KEYTAB_PLACE_SIZE])
{
	(void)pthread_mutex_lock(&keytab->lock);
	write_place(keytab->generation, place);
	(void)pthread_mutex_unlock(&keytab->lock);
}

struct gss_keytab *gss_keytab_free(struct gss_keytab *keytab)
{
	if (!keytab)
		return NULL;
	for (size_t i = 0; i < 2; i++)
		if (keytab->copies[i])
			(void)krb5_kt_close(keytab->krb5, keytab->copies[i]);
	if (keytab->krb5)
		krb5_free_context(keytab->krb5);
	if (keytab->fd >= 0)
		(void)close(keytab->fd);
	(void)pthread_mutex_destroy(&keytab->lock);
	free(keytab->path);
	free(keytab);
	return NULL;
}

DEFINE_CLEANUP(struct gss_keytab *, gss_keytab_free);

int gss_keytab_new(const char *path, struct gss_keytab **ret_keytab)
{
	_cleanup_(gss_keytab_freep) struct gss_keytab *keytab = calloc(1, sizeof(*keytab));

	if (!keytab)
		return -ENOMEM;
	keytab->fd = -1;
	(void)pthread_mutex_init(&keytab->lock, NULL);
	keytab->path = strdup(path);
	if (!keytab->path)
		return -ENOMEM;
	open_file(keytab);
	*ret_keytab = TAKE_PTR(keytab);
	return 0;
}

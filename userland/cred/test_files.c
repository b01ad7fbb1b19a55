// SPDX-License-Identifier: MIT
/* The folders of the machine store, as they are on disk. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "cred/files.h"
#include "cred/store.h"
#include "cred/test_ca.h"
#include "ike/crypto.h"

struct fixture {
	char dir[64];
	char path[256];
	sd_event *event;
	struct files *files;
	struct store *store;
	int n_loaded;
	struct test_cert root, host;
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	assert_int_equal(crypto_init(), 0);
	strcpy(f->dir, "/tmp/test_files.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	assert_true(sd_event_new(&f->event) >= 0);
	f->root = test_cert_make(&(struct test_wish){ .subject = "CN=Root", .is_ca = true });
	f->host = test_cert_make(&(struct test_wish){ .subject = "CN=host", .issuer = &f->root });
	*state = f;
	return 0;
}

static int remove_it(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	if (f->files) {
		(void)files_free(f->files);
		assert_true(wait(NULL) > 0);
	}
	(void)store_free(f->store);
	test_cert_free(&f->root);
	test_cert_free(&f->host);
	sd_event_unref(f->event);
	assert_int_equal(nftw(f->dir, remove_it, 8, FTW_DEPTH | FTW_PHYS), 0);
	test_free_all();
	free(f);
	return 0;
}

static const char *path_of(struct fixture *f, const char *name)
{
	(void)snprintf(f->path, sizeof(f->path), "%s/%s", f->dir, name);
	return f->path;
}

static void put(struct fixture *f, const char *name, struct bytes contents, mode_t mode)
{
	int fd = open(path_of(f, name), O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, contents.data, contents.len), contents.len);
	assert_int_equal(fchmod(fd, mode), 0);
	assert_int_equal(close(fd), 0);
}

static void put_host(struct fixture *f, mode_t mode)
{
	put(f, "host.crt", test_cert_pem(f->host.cert), 0644);
	put(f, "host.key", test_key_pem(f->host.key, NULL), mode);
}

static void on_loaded(void *userdata, struct store *store)
{
	struct fixture *f = userdata;

	(void)store_free(f->store);
	f->store = store;
	f->n_loaded++;
}

static void start(struct fixture *f)
{
	struct files_config config = { .dir = f->dir, .uid = getuid(), .gid = getgid(),
				       .loaded = on_loaded, .userdata = f };

	assert_int_equal(files_new(f->event, &config, &f->files), 0);
}

#define RUN_UNTIL(f, condition)                                                 \
	do {                                                                    \
		while (!(condition))                                            \
			if (sd_event_run((f)->event, 20000000) <= 0)            \
				fail_msg("never: %s", #condition);              \
	} while (0)

static bool has_key(const struct fixture *f)
{
	return f->store && store_n_own(f->store) && store_own(f->store, 0)->key;
}

/* --- tests -------------------------------------------------------------------------------- */

static void test_folders(void **state)
{
	struct fixture *f = *state;
	X509_CRL *crl = test_crl_make(&(struct test_crl_wish){ .issuer = &f->root });

	put_host(f, 0400);
	assert_int_equal(mkdir(path_of(f, "roots"), 0755), 0);
	put(f, "roots/root.crt", test_cert_pem(f->root.cert), 0644);
	assert_int_equal(mkdir(path_of(f, "intermediates"), 0755), 0);
	put(f, "intermediates/sub.crt", test_cert_pem(f->root.cert), 0644);
	assert_int_equal(mkdir(path_of(f, "crls"), 0755), 0);
	put(f, "crls/root.crl", test_crl_pem(crl), 0644);
	X509_CRL_free(crl);
	start(f);
	RUN_UNTIL(f, f->n_loaded);
	assert_true(has_key(f));
	assert_int_equal(sk_X509_num(store_roots(f->store)), 1);
	assert_int_equal(sk_X509_num(store_intermediates(f->store)), 1);
	assert_int_equal(sk_X509_CRL_num(store_crls(f->store)), 1);
}

/* Users' certificates are elsewhere: behind links, in other folders, under other names. */
static void test_nothing_else(void **state)
{
	struct fixture *f = *state;
	char elsewhere[] = "/tmp/test_files_user.XXXXXX";
	int fd = mkstemp(elsewhere);
	struct bytes pem = test_cert_pem(f->host.cert);

	assert_int_equal(write(fd, pem.data, pem.len), pem.len);
	assert_int_equal(close(fd), 0);
	assert_int_equal(symlink(elsewhere, path_of(f, "user.crt")), 0);
	assert_int_equal(mkdir(path_of(f, "alice"), 0755), 0);
	put(f, "alice/alice.crt", pem, 0644);
	put(f, ".hidden.crt", pem, 0644);
	put(f, "host.crt.bak", pem, 0644);
	assert_int_equal(mkfifo(path_of(f, "pipe.crt"), 0644), 0);
	assert_int_equal(mkdir(path_of(f, "folder.crt"), 0755), 0);
	start(f);
	RUN_UNTIL(f, f->n_loaded);
	assert_int_equal(store_n_own(f->store), 0);
	assert_int_equal(unlink(elsewhere), 0);
}

static void test_open_keys(void **state)
{
	static const struct { mode_t mode; bool is_good; } modes[] = {
		{ 0400, true }, { 0600, true }, { 0640, true }, { 0644, false }, { 0604, false },
		{ 0660, false }, { 0602, false },
	};
	struct fixture *f = *state;

	put_host(f, 0400);
	start(f);
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		int n = f->n_loaded;

		put_host(f, modes[i].mode);
		files_read_again(f->files);
		RUN_UNTIL(f, f->n_loaded > n);
		RUN_UNTIL(f, has_key(f) == modes[i].is_good);
	}
}

static void test_changes(void **state)
{
	struct fixture *f = *state;

	start(f);
	RUN_UNTIL(f, f->n_loaded);
	assert_int_equal(store_n_own(f->store), 0);
	put_host(f, 0400);
	RUN_UNTIL(f, has_key(f));
	/* a folder that is made later, too */
	assert_int_equal(mkdir(path_of(f, "roots"), 0755), 0);
	RUN_UNTIL(f, f->n_loaded >= 3);
	put(f, "roots/root.crt", test_cert_pem(f->root.cert), 0644);
	RUN_UNTIL(f, sk_X509_num(store_roots(f->store)) == 1);
	assert_int_equal(unlink(path_of(f, "host.key")), 0);
	RUN_UNTIL(f, !has_key(f));
}

/* Who can write to a folder decides whom we trust. */
static void test_open_folders(void **state)
{
	struct fixture *f = *state;

	put_host(f, 0400);
	assert_int_equal(mkdir(path_of(f, "roots"), 0755), 0);
	put(f, "roots/root.crt", test_cert_pem(f->root.cert), 0644);
	assert_int_equal(chmod(path_of(f, "roots"), 0777), 0);
	start(f);
	RUN_UNTIL(f, f->n_loaded);
	assert_int_equal(sk_X509_num(store_roots(f->store)), 0);
	assert_true(has_key(f));
	assert_int_equal(chmod(path_of(f, "roots"), 0755), 0);
	assert_int_equal(chmod(f->dir, 0775), 0);
	RUN_UNTIL(f, !has_key(f) && sk_X509_num(store_roots(f->store)) == 1);
	assert_int_equal(chmod(f->dir, 0700), 0);
	RUN_UNTIL(f, has_key(f));
}

static void test_not_there(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(rmdir(f->dir), 0);
	start(f);
	RUN_UNTIL(f, f->n_loaded);
	assert_int_equal(store_n_own(f->store), 0);
	assert_int_equal(mkdir(f->dir, 0755), 0);
	put_host(f, 0400);
	files_read_again(f->files);
	RUN_UNTIL(f, has_key(f));
}

#define CASE(name, function) { name, function, set_up, tear_down, NULL }

int main(void)
{
	static const struct CMUnitTest tests[] = {
		CASE("K29 the folders of the store", test_folders),
		CASE("K29 nothing else is looked at", test_nothing_else),
		CASE("K29 a private key has to be closed to others", test_open_keys),
		CASE("K29 what changes is read again", test_changes),
		CASE("K29 folders that others can write to", test_open_folders),
		CASE("K29 a store that is not there yet", test_not_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

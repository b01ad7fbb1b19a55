// SPDX-License-Identifier: MIT
/* What happens to a store and to its users: kills, other processes, a full disk, no rights. */
#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "store/test_kills.h"
#include "store/test_support.h"

#define OPEN_EMPTY (STORE_OPEN_WRITE | STORE_OPEN_CREATE | STORE_OPEN_EMPTY)

/* A thousand of them are in selftests/stress; the sanitizers make all of it slower. */
static void kills(void **state)
{
	(void)state;
	assert_int_equal(test_kills(test_path(), 100, 60), 0);
}

/* --- other processes ---------------------------------------------------------------------- */

static void wait_for(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* Who writes keeps other writers waiting and readers not; nobody sees half of it. */
static void two_processes(void **state)
{
	_cleanup_(store_content_freep) struct store_content *during = NULL, *after = NULL;
	_cleanup_(store_closep) struct store *store = test_open(OPEN_EMPTY);
	int ready[2], go[2];
	char byte = 0;
	pid_t pid;

	(void)state;
	store_closep(&store);
	assert_int_equal(pipe(ready), 0);
	assert_int_equal(pipe(go), 0);
	pid = fork();
	if (pid == 0) {
		struct store *other = test_open(STORE_OPEN_WRITE);

		if (store_begin(other, &test_fault) || test_add_policy(other, "theirs") ||
		    test_add_list(other, "theirs") || write(ready[1], &byte, 1) != 1 ||
		    read(go[0], &byte, 1) != 1)
			_exit(1);
		/* The parent waits for us now, or will. */
		_exit(store_commit(other, &test_fault) ? 1 : 0);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	store = test_open(STORE_OPEN_WRITE);
	during = test_read(store);
	assert_int_equal(during->n_policies + during->n_lists, 0);
	assert_int_equal(write(go[1], &byte, 1), 1);
	assert_int_equal(test_add_policy(store, "ours"), 0);
	wait_for(pid);
	after = test_read(store);
	assert_int_equal(after->n_policies, 2);
	assert_string_equal(after->policies[0]->head.name, "theirs");
	assert_int_equal(after->n_lists, 1);
	for (int i = 0; i < 2; i++) {
		(void)close(ready[i]);
		(void)close(go[i]);
	}
}

/* All make the store and add to it at once; each addition is there. */
static void many_processes(void **state)
{
	_cleanup_(store_content_freep) struct store_content *content = NULL;
	_cleanup_(store_closep) struct store *store = NULL;
	pid_t pids[4];

	(void)state;
	for (int i = 0; i < 4; i++) {
		pids[i] = fork();
		if (pids[i] == 0) {
			struct store *mine = test_open(STORE_OPEN_WRITE | STORE_OPEN_CREATE);
			char name[32];
			int err = 0;

			for (int j = 0; !err && j < 25; j++) {
				(void)snprintf(name, sizeof(name), "%d-%d", i, j);
				err = test_add_policy(mine, name);
			}
			if (err)
				fprintf(stderr, "%s\n", test_fault.text);
			_exit(err ? 1 : 0);
		}
	}
	for (int i = 0; i < 4; i++)
		wait_for(pids[i]);
	store = test_open(STORE_OPEN_READ);
	content = test_read(store);
	/* and the examples once */
	assert_int_equal(content->n_policies, 103);
}

/* --- full disks --------------------------------------------------------------------------- */

static size_t count_policies(struct store *store)
{
	_cleanup_(store_content_freep) struct store_content *content = test_read(store);

	return content->n_policies;
}

/* Adds until it is refused; the number of those that were added. */
static unsigned int add_until_refused(struct store *store)
{
	unsigned int n = 0;
	char name[32];

	do
		(void)snprintf(name, sizeof(name), "policy %u", n++);
	while (n < 2000 && !test_add_policy(store, name));
	return n - 1;
}

/* A transaction that does not fit is undone as a whole, and says so to the end. */
static void overfill(struct store *store)
{
	size_t before = count_policies(store);
	int err;

	assert_int_equal(store_begin(store, &test_fault), 0);
	assert_in_range(add_until_refused(store), 0, 1998);
	err = test_add_policy(store, "one more");
	if (err)
		assert_true(*test_fault.text);
	err = store_commit(store, &test_fault);
	if (err)
		assert_int_equal(count_policies(store), before);
	store_rollback(store);
}

static void size_limit(void **state)
{
	_cleanup_(store_closep) struct store *store = test_open(OPEN_EMPTY);
	struct rlimit limit, small;
	unsigned int n;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	small = (struct rlimit){ 300000, limit.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	n = add_until_refused(store);
	assert_in_range(n, 1, 1998);
	assert_int_equal(count_policies(store), n);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	/* with room again the same store goes on */
	assert_int_equal(test_add_policy(store, "afterwards"), 0);
	assert_int_equal(count_policies(store), n + 1);
}

/* In a process with a file system of its own; 77 when that is not allowed. */
static void in_namespace(const char *options, unsigned long flags, void (*look)(void))
{
	char folder[4200];
	int status;
	pid_t pid;

	(void)snprintf(folder, sizeof(folder), "%s", test_path());
	*strrchr(folder, '/') = '\0';
	pid = fork();
	if (pid == 0) {
		if (unshare(CLONE_NEWNS) < 0 ||
		    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
		    (options && mount("tmpfs", folder, "tmpfs", 0, options) < 0) ||
		    (flags && (mount(folder, folder, NULL, MS_BIND, NULL) < 0 ||
			       mount(NULL, folder, NULL, MS_BIND | MS_REMOUNT | flags, NULL) < 0)))
			_exit(77);
		look();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		print_message("no rights to mount: not looked at\n");
	else
		assert_int_equal(WEXITSTATUS(status), 0);
}

#define MUST(condition)								\
	do {									\
		if (!(condition)) {						\
			fprintf(stderr, "%s: %s\n", #condition, test_fault.text);	\
			_exit(1);						\
		}								\
	} while (0)

static void fill_disk(void)
{
	struct store *store = test_open(OPEN_EMPTY);
	unsigned int n = add_until_refused(store);

	MUST(n > 0 && n < 1999);
	MUST(strstr(test_fault.text, "no space is left"));
	MUST(count_policies(store) == n);
	overfill(store);
	MUST(count_policies(store) >= n);
	store_close(store);
	store = test_open(STORE_OPEN_READ);
	MUST(count_policies(store) >= n);
	store_close(store);
}

static void full_disk(void **state)
{
	(void)state;
	in_namespace("size=512k", 0, fill_disk);
}

static void read_frozen(void)
{
	struct store *store = NULL;

	MUST(store_open(test_path(), STORE_OPEN_READ, &store, &test_fault) == 0);
	MUST(count_policies(store) == 1);
	MUST(!store_version(store));	/* a copy in memory, which changes no more */
	MUST(test_add_policy(store, "refused") == -EACCES);
	MUST(strstr(test_fault.text, "read-only") && strstr(test_fault.text, "restart the service"));
	store_close(store);
	MUST(store_open(test_path(), STORE_OPEN_WRITE, &store, &test_fault) == -EACCES);
	MUST(strstr(test_fault.text, "read-only") && strstr(test_fault.text, "restart the service"));
}

/* On a file system that nobody writes, a store is read without the files of its log. */
static void read_only_disk(void **state)
{
	struct store *store = test_open(OPEN_EMPTY);

	(void)state;
	test_fill(store);
	store_close(store);
	in_namespace(NULL, MS_RDONLY, read_frozen);
}

/* --- a disk that becomes read-only -------------------------------------------------------- */

/* SQLite's own files, but that nothing can be written any more once the disk is frozen. */
static sqlite3_vfs *whole;
static sqlite3_vfs frail;
static sqlite3_io_methods frail_methods[2];	/* of others, of databases: these have locks */
static const sqlite3_io_methods *whole_methods;
static bool is_frozen;

static int frail_write(sqlite3_file *file, const void *data, int len, sqlite3_int64 at)
{
	return is_frozen ? SQLITE_IOERR_WRITE : whole_methods->xWrite(file, data, len, at);
}

static int frail_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
		      int *ret_flags)
{
	int code = whole->xOpen(whole, name, file, flags, ret_flags);
	sqlite3_io_methods *methods = &frail_methods[!!(flags & SQLITE_OPEN_MAIN_DB)];

	(void)vfs;
	if (code == SQLITE_OK && file->pMethods) {
		whole_methods = file->pMethods;		/* all write alike */
		*methods = *whole_methods;
		methods->xWrite = frail_write;
		file->pMethods = methods;
	}
	return code;
}

/* As ext4 does after an error, by the mount option errors=remount-ro. */
static bool freeze(void)
{
	char folder[4200];

	(void)snprintf(folder, sizeof(folder), "%s", test_path());
	*strrchr(folder, '/') = '\0';
	is_frozen = true;
	return !mount(folder, folder, NULL, MS_BIND, NULL) &&
	       !mount(NULL, folder, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL);
}

static void write_frozen(void)
{
	struct store *store;

	whole = sqlite3_vfs_find(NULL);
	frail = *whole;
	frail.zName = "frail";
	frail.xOpen = frail_open;
	MUST(sqlite3_vfs_register(&frail, 1) == SQLITE_OK);
	store = test_open(OPEN_EMPTY);
	MUST(test_add_policy(store, "before") == 0);
	MUST(freeze());
	MUST(test_add_policy(store, "refused") == -EACCES);
	MUST(strstr(test_fault.text, "read-only"));
	MUST(count_policies(store) == 1);
	store_close(store);
}

static void freezing_disk(void **state)
{
	(void)state;
	in_namespace(NULL, 0, write_frozen);
}

/* --- no rights ---------------------------------------------------------------------------- */

static void read_as_nobody(void)
{
	struct store *store = NULL;

	MUST(setgid(65534) == 0 && setuid(65534) == 0);
	MUST(store_open(test_path(), STORE_OPEN_WRITE, &store, &test_fault) == -EACCES);
	MUST(store_open(test_path(), STORE_OPEN_READ, &store, &test_fault) == -EACCES);
	MUST(strstr(test_fault.text, "rights"));
}

static void no_rights(void **state)
{
	struct store *store = test_open(OPEN_EMPTY);
	pid_t pid;

	(void)state;
	store_close(store);
	if (geteuid()) {
		print_message("not root: not looked at\n");
		return;
	}
	pid = fork();
	if (pid == 0) {
		read_as_nobody();
		_exit(0);
	}
	wait_for(pid);
}

#define in_folder(test) cmocka_unit_test_setup_teardown(test, test_make_folder, test_remove_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_folder(kills),
		in_folder(two_processes),
		in_folder(many_processes),
		in_folder(size_limit),
		in_folder(full_disk),
		in_folder(read_only_disk),
		in_folder(freezing_disk),
		in_folder(no_rights),
	};

	(void)signal(SIGXFSZ, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: MIT
/* Who may connect to a listener, and how a client comes back. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "link/listener.h"
#include "link/test_ends.h"

#define NOBODY 65534

static char *path_in(const struct fixture *f, const char *name)
{
	static char path[128];

	(void)snprintf(path, sizeof(path), "%s/%s", f->dir, name);
	return path;
}

static struct link_server *serve(struct fixture *f, struct link_listener_config *listen)
{
	struct link_config config = test_config(&f->a);
	struct link_server *server = NULL;

	listen->path = path_in(f, "s");
	listen->owner = (uid_t)-1;
	listen->group = (gid_t)-1;
	if (!listen->mode)
		listen->mode = 0600;
	assert_int_equal(link_server_new(f->event, listen, &config, &server), 0);
	return server;
}

static struct link_client *connect_to(struct fixture *f, struct end *end)
{
	uid_t me = getuid();
	struct link_config config = test_config(end);
	struct link_client *client = NULL;

	assert_int_equal(link_client_new(f->event, path_in(f, "s"), &me, 1, &config, &client), 0);
	return client;
}

static struct link_listener_config ours(void)
{
	return (struct link_listener_config){ .uids = { getuid() }, .n_uids = 1 };
}

static void on_client_reply(void *userdata, int error, const void *reply)
{
	struct fixture *f = userdata;

	(void)reply;
	f->n_replies++;
	f->error = error;
}

static void test_server_and_client(void **state)
{
	struct fixture *f = *state;
	struct link_listener_config listen = ours();
	struct link_server *server = serve(f, &listen);
	struct link_client *client = connect_to(f, &f->b);
	struct stat st;

	RUN_UNTIL(f->event, f->a.up && f->b.up);
	assert_int_equal(stat(path_in(f, "s"), &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(link_client_call(client, &link_flush, &no_flush, 0, false,
					  on_client_reply, f, NULL), 0);
	RUN_UNTIL(f->event, f->n_replies);
	assert_int_equal(f->error, 0);
	assert_null(link_client_free(client));
	RUN_UNTIL(f->event, f->a.down);
	assert_int_equal(f->a.error, -ECONNRESET);
	assert_int_equal(f->b.down, 0);
	assert_null(link_server_free(server));
	assert_int_equal(access(path_in(f, "s"), F_OK), -1);
}

static int plain_connect(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	assert_true(fd >= 0);
	strcpy(addr.sun_path, path);
	assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	return fd;
}

static bool gets_an_answer(const struct fixture *f)
{
	int fd = plain_connect(path_in(f, "s"));
	char line[64];

	return send(fd, "\0AUTH EXTERNAL\r\n", 16, MSG_NOSIGNAL) == 16 &&
	       read(fd, line, sizeof(line)) > 0 && memcmp(line, "DATA", 4) == 0;
}

/*
 * How many of @n connections of @uid, which stay open, get an answer to the start of the protocol.
 */
static int count_let_in(struct fixture *f, uid_t uid, int n)
{
	pid_t child = fork();
	int status = -1;

	assert_true(child >= 0);
	if (child == 0) {
		int n_let_in = 0;

		if (uid != getuid() && setresuid(uid, uid, uid) < 0)
			_exit(99);
		for (int i = 0; i < n; i++)
			n_let_in += gets_an_answer(f);
		_exit(n_let_in);
	}
	RUN_UNTIL(f->event, waitpid(child, &status, WNOHANG) == child);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) <= n);
	return WEXITSTATUS(status);
}

static bool lets_in(struct fixture *f, uid_t uid)
{
	return count_let_in(f, uid, 1) == 1;
}

/*
 * As root: nobody is refused until the list names him. As somebody: he is refused until the
 * list names him.
 */
static void test_only_listed_users(void **state)
{
	struct fixture *f = *state;
	uid_t uid = getuid() ? getuid() : NOBODY;
	struct link_listener_config listen = { .mode = 0666 };
	struct link_server *server = serve(f, &listen);

	assert_false(lets_in(f, uid));
	if (getuid() == 0)
		assert_true(lets_in(f, 0));
	assert_null(link_server_free(server));
	listen = (struct link_listener_config){ .mode = 0666, .uids = { 1, uid }, .n_uids = 2 };
	server = serve(f, &listen);
	assert_true(lets_in(f, uid));
	assert_null(link_server_free(server));
}

/* A listener that asks who somebody is, and how many of these it lets in. */
struct door {
	uid_t uid;
	size_t n_gids;
	size_t n_let_in;
	bool is_shut;
};

static int on_guest(void *userdata, sd_bus *bus, const struct link_peer *peer)
{
	struct door *door = userdata;
	struct link_peer same = { 0 };
	gid_t *gids = NULL;

	assert_int_equal(link_listener_peer(bus, &same, &gids, &door->n_gids), 0);
	free(gids);
	assert_int_equal(same.uid, peer->uid);
	door->uid = peer->uid;
	door->n_let_in += !door->is_shut;
	return door->is_shut ? -EACCES : 0;
}

static struct link_listener *open_door(struct fixture *f, struct door *door, size_t guests_max)
{
	struct link_listener_config config = {
		.path = path_in(f, "s"),
		.mode = 0666,
		.owner = (uid_t)-1,
		.group = (gid_t)-1,
		.guests_max = guests_max,
		.connected = on_guest,
		.userdata = door,
	};
	struct link_listener *listener = NULL;

	assert_int_equal(link_listener_new(f->event, &config, &listener), 0);
	return listener;
}

/* Somebody whom no list names: connected() decides, and there are never more of them than said. */
static void test_guests(void **state)
{
	struct fixture *f = *state;
	uid_t uid = getuid() ? getuid() : NOBODY;
	struct door door = { 0 };
	struct link_listener *listener = open_door(f, &door, 0);

	assert_false(lets_in(f, uid));
	assert_int_equal(door.n_let_in, 0);
	link_listener_free(listener);
	listener = open_door(f, &door, 1);
	assert_true(lets_in(f, uid));
	assert_int_equal(door.uid, uid);
	RUN_UNTIL(f->event, link_listener_count(listener) == 0);
	/* the place is free again, for one */
	assert_int_equal(count_let_in(f, uid, 2), 1);
	assert_int_equal(door.n_let_in, 2);
	RUN_UNTIL(f->event, link_listener_count(listener) == 0);
	door.is_shut = true;
	assert_false(lets_in(f, uid));
	assert_int_equal(link_listener_count(listener), 0);
	link_listener_free(listener);
}

static void test_client_checks_the_server(void **state)
{
	struct fixture *f = *state;
	struct link_listener_config listen = ours();
	struct link_config config = test_config(&f->b);
	struct link_client *client = NULL;
	struct link_server *server;
	uid_t other = 12345;

	/* root is always trusted, so this needs a server that is not root's */
	if (getuid() == 0) {
		assert_int_equal(chown(f->dir, NOBODY, NOBODY), 0);
		assert_int_equal(seteuid(NOBODY), 0);
	}
	listen.uids[0] = geteuid();
	server = serve(f, &listen);
	assert_int_equal(link_client_new(f->event, path_in(f, "s"), &other, 1, &config,
					 &client), 0);
	assert_null(link_client_link(client));
	assert_null(link_client_free(client));
	other = geteuid();
	assert_int_equal(link_client_new(f->event, path_in(f, "s"), &other, 1, &config,
					 &client), 0);
	assert_non_null(link_client_link(client));
	assert_null(link_client_free(client));
	assert_null(link_server_free(server));
	if (getuid() == 0)
		assert_int_equal(seteuid(0), 0);
}

static void test_connection_limit(void **state)
{
	struct fixture *f = *state;
	struct link_listener_config listen = ours();
	struct link_server *server;
	int fds[3];
	char c;

	listen.connections_max = 2;
	server = serve(f, &listen);
	for (size_t i = 0; i < 3; i++)
		fds[i] = plain_connect(path_in(f, "s"));
	RUN_UNTIL(f->event, recv(fds[2], &c, 1, MSG_DONTWAIT) == 0);	/* closed */
	assert_int_equal(recv(fds[0], &c, 1, MSG_DONTWAIT), -1);
	assert_int_equal(recv(fds[1], &c, 1, MSG_DONTWAIT), -1);
	/* room again */
	(void)close(fds[0]);
	fds[0] = -1;
	for (size_t i = 0; i < 10; i++)
		assert_true(sd_event_run(f->event, 1000) >= 0);
	fds[0] = plain_connect(path_in(f, "s"));
	for (size_t i = 0; i < 10; i++)
		assert_true(sd_event_run(f->event, 1000) >= 0);
	assert_int_equal(recv(fds[0], &c, 1, MSG_DONTWAIT), -1);
	assert_int_equal(errno, EAGAIN);
	for (size_t i = 0; i < 3; i++)
		(void)close(fds[i]);
	assert_null(link_server_free(server));
}

static void test_newest_replaces(void **state)
{
	struct fixture *f = *state;
	struct link_listener_config listen = ours();
	struct link_client *first, *second;
	struct end other = { 0 };
	struct link_server *server;

	listen.connections_max = 1;
	listen.replace_oldest = true;
	server = serve(f, &listen);
	first = connect_to(f, &f->b);
	RUN_UNTIL(f->event, f->b.up);
	second = connect_to(f, &other);
	RUN_UNTIL(f->event, other.up && f->b.down);
	assert_int_equal(f->b.error, -ECONNRESET);
	assert_true(f->a.down >= 1);
	assert_null(link_client_free(first));
	assert_null(link_client_free(second));
	assert_null(link_server_free(server));
}

static void test_what_is_in_the_way(void **state)
{
	struct fixture *f = *state;
	struct link_listener_config listen = ours();
	struct link_config config = test_config(&f->a);
	struct link_server *server = serve(f, &listen), *other = NULL;
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	FILE *file;
	int fd;

	/* somebody listens */
	assert_int_equal(link_server_new(f->event, &listen, &config, &other), -EADDRINUSE);
	assert_null(link_server_free(server));
	/* a file */
	file = fopen(path_in(f, "s"), "w");
	assert_non_null(file);
	(void)fclose(file);
	assert_int_equal(link_server_new(f->event, &listen, &config, &other), -EADDRINUSE);
	assert_int_equal(unlink(path_in(f, "s")), 0);
	/* what a killed process left */
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	strcpy(addr.sun_path, path_in(f, "s"));
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	(void)close(fd);
	server = serve(f, &listen);
	assert_null(link_server_free(server));
	/* paths that cannot be */
	listen.path = "relative";
	assert_int_equal(link_server_new(f->event, &listen, &config, &other), -EINVAL);
	listen.path = "/0123456789012345678901234567890123456789012345678901234567890123456789"
		      "0123456789012345678901234567890123456789";
	assert_int_equal(link_server_new(f->event, &listen, &config, &other), -EINVAL);
}

static int listen_here(int fd)
{
	return listen(fd, 8);
}

/* As with socket activation: the socket comes from somebody else, blocking. */
static void test_inherited_socket(void **state)
{
	struct fixture *f = *state;
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct link_listener_config listen = ours();
	struct link_config config = test_config(&f->a);
	struct link_server *server = NULL;
	struct link_client *client;

	listen.fd = socket(AF_UNIX, SOCK_STREAM, 0);
	strcpy(addr.sun_path, path_in(f, "s"));
	assert_int_equal(bind(listen.fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(listen_here(listen.fd), 0);
	assert_int_equal(link_server_new(f->event, &listen, &config, &server), 0);
	client = connect_to(f, &f->b);
	RUN_UNTIL(f->event, f->a.up && f->b.up);
	assert_null(link_client_free(client));
	assert_null(link_server_free(server));
	assert_int_equal(unlink(addr.sun_path), 0);	/* not ours to remove */
}

/* --- coming back -------------------------------------------------------------------------- */

static void test_calls_wait_for_the_link(void **state)
{
	struct fixture *f = *state;
	struct link_listener_config listen = ours();
	struct link_client *client = connect_to(f, &f->b);
	struct link_server *server;

	assert_null(link_client_link(client));
	for (uint64_t i = 1; i <= 3; i++)
		assert_int_equal(link_client_send(client, &link_acquire_result,
						  &(struct link_acquire_result){ .acquire_id = i }),
				 0);
	assert_int_equal(link_client_call(client, &link_flush, &no_flush, 0, false,
					  on_client_reply, f, NULL), 0);
	assert_int_equal(link_client_call(client, &link_flush,
					  &(struct link_flush){ (enum ike_reason)3 }, 0, false,
					  on_client_reply, f, NULL), -EINVAL);
	server = serve(f, &listen);
	RUN_UNTIL(f->event, f->n_replies);
	assert_int_equal(f->error, 0);
	assert_int_equal(f->a.n_calls, 4);
	assert_ptr_equal(f->a.method, &link_flush);	/* in their order */
	assert_null(link_client_free(client));
	assert_null(link_server_free(server));
}

static void test_reconnect(void **state)
{
	struct fixture *f = *state;
	struct link_listener_config listen = ours();
	struct link_server *server = serve(f, &listen);
	struct link_client *client = connect_to(f, &f->b);

	RUN_UNTIL(f->event, f->a.up && f->b.up);
	f->a.is_lazy = true;
	/* one that may be repeated, one that may not */
	assert_int_equal(link_client_call(client, &link_flush, &no_flush, 0, true,
					  on_client_reply, f, NULL), 0);
	RUN_UNTIL(f->event, f->a.n_calls == 1);
	link_fail(f->a.kept, -EIO);	/* is it answered, it is not repeated */
	RUN_UNTIL(f->event, f->n_replies == 1);
	assert_int_equal(link_client_call(client, &link_flush, &no_flush, 0, true,
					  on_client_reply, f, NULL), 0);
	RUN_UNTIL(f->event, f->a.n_calls == 2);
	link_fail(TAKE_PTR(f->a.kept), -EIO);
	RUN_UNTIL(f->event, f->n_replies == 2);
	assert_int_equal(f->error, -EIO);

	assert_int_equal(link_client_call(client, &link_flush, &no_flush, 0, true,
					  on_client_reply, f, NULL), 0);
	RUN_UNTIL(f->event, f->a.n_calls == 3);
	assert_null(link_server_free(server));
	link_fail(TAKE_PTR(f->a.kept), -EIO);	/* goes nowhere */
	RUN_UNTIL(f->event, f->b.down == 1);
	assert_int_equal(f->n_replies, 2);
	server = serve(f, &listen);
	RUN_UNTIL(f->event, f->a.n_calls == 4);	/* again */
	assert_int_equal(f->b.up, 2);
	assert_int_equal(link_reply(TAKE_PTR(f->a.kept), NULL), 0);
	RUN_UNTIL(f->event, f->n_replies == 3);
	assert_int_equal(f->error, 0);

	assert_int_equal(link_client_call(client, &link_flush, &no_flush, 0, false,
					  on_client_reply, f, NULL), 0);
	RUN_UNTIL(f->event, f->a.n_calls == 5);
	assert_null(link_server_free(server));
	link_fail(TAKE_PTR(f->a.kept), -EIO);
	RUN_UNTIL(f->event, f->n_replies == 4);
	assert_int_equal(f->error, -ECONNRESET);
	assert_null(link_client_free(client));
}

static void test_waiting_ends(void **state)
{
	struct fixture *f = *state;
	struct link_client *client = connect_to(f, &f->b);
	struct link_client_call *waiting;
	int r = 0;

	assert_int_equal(link_client_call(client, &link_flush, &no_flush, 1000, true,
					  on_client_reply, f, NULL), 0);
	RUN_UNTIL(f->event, f->n_replies);
	assert_int_equal(f->error, -ETIMEDOUT);
	assert_int_equal(link_client_call(client, &link_flush, &no_flush, 0, true,
					  on_client_reply, f, &waiting), 0);
	assert_null(link_client_call_cancel(waiting));
	/* not more than fits */
	for (size_t i = 0; i < LINK_QUEUE_MAX; i++) {
		struct link_acquire_result result = { .acquire_id = i + 1 };

		assert_int_equal(link_client_send(client, &link_acquire_result, &result), 0);
	}
	r = link_client_send(client, &link_acquire_result,
			     &(struct link_acquire_result){ .acquire_id = 1 });
	assert_int_equal(r, -ENOBUFS);
	assert_int_equal(f->n_replies, 1);
	assert_null(link_client_free(client));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_server_and_client, test_set_up, test_tear_down),
		cmocka_unit_test_setup_teardown(test_only_listed_users, test_set_up, test_tear_down),
		cmocka_unit_test_setup_teardown(test_guests, test_set_up, test_tear_down),
		cmocka_unit_test_setup_teardown(test_client_checks_the_server, test_set_up, test_tear_down),
		cmocka_unit_test_setup_teardown(test_connection_limit, test_set_up, test_tear_down),
		cmocka_unit_test_setup_teardown(test_newest_replaces, test_set_up, test_tear_down),
		cmocka_unit_test_setup_teardown(test_what_is_in_the_way, test_set_up, test_tear_down),
		cmocka_unit_test_setup_teardown(test_inherited_socket, test_set_up, test_tear_down),
		cmocka_unit_test_setup_teardown(test_calls_wait_for_the_link, test_set_up, test_tear_down),
		cmocka_unit_test_setup_teardown(test_reconnect, test_set_up, test_tear_down),
		cmocka_unit_test_setup_teardown(test_waiting_ends, test_set_up, test_tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

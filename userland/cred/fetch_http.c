// SPDX-License-Identifier: MIT
#include "cred/fetch_job.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

#include <curl/curl.h>

struct transfer {
	const struct fetch_limits *limits;
	int fd;
	size_t len;
	bool is_too_long;
	bool is_refused;
};

/* Whatever the name resolved to, and at the moment when it counts. */
static curl_socket_t open_socket(void *userdata, curlsocktype purpose, struct curl_sockaddr *addr)
{
	struct transfer *transfer = userdata;
	struct ip_addr ip;

	if (purpose == CURLSOCKTYPE_IPCXN &&
	    ip_addr_from_sockaddr(&addr->addr, &ip, NULL, NULL) == 0 &&
	    guard_permits(transfer->limits->guard, &ip))
		return socket(addr->family, addr->socktype | SOCK_CLOEXEC, addr->protocol);
	transfer->is_refused = true;
	return CURL_SOCKET_BAD;
}

static size_t take(char *data, size_t size, size_t n, void *userdata)
{
	struct transfer *transfer = userdata;
	size_t len = size * n;

	if (len > transfer->limits->len_max - transfer->len) {
		transfer->is_too_long = true;
		return 0;
	}
	transfer->len += len;
	return fetch_write(transfer->fd, data, len) == 0 ? len : 0;
}

static bool configure(CURL *curl, const char *url, struct transfer *transfer)
{
	const struct fetch_limits *limits = transfer->limits;

	return curl_easy_setopt(curl, CURLOPT_URL, url) == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http") == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L) == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_PROXY, "") == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT,
				(long)limits->connect_seconds) == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)limits->seconds) == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_MAXFILESIZE_LARGE,
				(curl_off_t)limits->len_max) == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, open_socket) == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, transfer) == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take) == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_WRITEDATA, transfer) == CURLE_OK;
}

static int error_of(CURLcode code, const struct transfer *transfer)
{
	if (transfer->is_too_long)
		return -EFBIG;
	switch (code) {
	case CURLE_OK:
		return 0;
	case CURLE_URL_MALFORMAT:
	case CURLE_LOGIN_DENIED:
		return -EINVAL;
	case CURLE_COULDNT_RESOLVE_HOST:
		return -EHOSTUNREACH;
	case CURLE_COULDNT_CONNECT:
		return transfer->is_refused ? -EACCES : -ECONNREFUSED;
	case CURLE_OPERATION_TIMEDOUT:
		return -ETIMEDOUT;
	case CURLE_FILESIZE_EXCEEDED:
		return -EFBIG;
	default:
		return -EPROTO;
	}
}

static int perform(CURL *curl, const struct transfer *transfer)
{
	CURLcode code = curl_easy_perform(curl);
	int r = error_of(code, transfer);
	long status = 0;

	if (r < 0)
		return r;
	(void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	if (status >= 300 && status < 400)
		return -ELOOP;
	return status == 200 ? 0 : -ENOENT;
}

int fetch_http(const char *url, const struct fetch_limits *limits, int fd)
{
	struct transfer transfer = { .limits = limits, .fd = fd };
	int r = -ENOMEM;
	CURL *curl;

	if (curl_global_init(CURL_GLOBAL_NOTHING) != CURLE_OK)
		return r;
	curl = curl_easy_init();
	if (curl && configure(curl, url, &transfer))
		r = perform(curl, &transfer);
	curl_easy_cleanup(curl);
	curl_global_cleanup();
	return r;
}

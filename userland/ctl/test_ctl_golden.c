// SPDX-License-Identifier: MIT
/*
 * Runs every selftests/golden/ctl/NAME.in through the real commands against the fake agent and
 * compares what comes out with NAME.ok. The first line of a .in file is "# " and the test's name.
 * Other lines are command lines of ipsecctl, options included, or of ipseccmd or ipsecpol if
 * they begin with its name; but
 *
 *   !empty    from here on the agent shows empty lists (!full: its fixture again)
 *   !down     there is no agent (!up: there is)
 *   !driver   in this mode, for when there is no agent (!undriver: none is loaded)
 *   !fresh    the stores are as at first (each file of this folder begins so)
 *   !root     preshared keys may be seen (!user: they may not)
 *   !stdin    the lines up to "!end" are the input of the command that follows
 *   !run      runs the program without any command
 *
 * RUNDIR in a line is the agent's run directory, which is empty but for its socket and its stores.
 *
 * GOLDEN_UPDATE=1 in the environment writes the .ok files; read the difference before you commit.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/addr.h"
#include "base/cleanup.h"
#include "ctl/ctl.h"
#include "ctl/fake_agent.h"
#include "ctl/fake_stores.h"
#include "ctl/words.h"
#include "ipseccmd/session.h"
#include "nl/kernel_fake.h"
#include "nl/names_gen.h"

#define FOLDER		"selftests/golden/ctl"
#define MAX_FILES	64
#define PATH_LEN	512

struct golden {
	char base[PATH_LEN];		/* path without suffix */
	char title[PATH_LEN];
};

static struct golden goldens[MAX_FILES];
static char run_dir[PATH_LEN];
static struct fake_agent *agent;
static bool is_root;
static int driver_mode = -1;

static char *read_file(const char *path)
{
	_cleanup_fclose_ FILE *file = fopen(path, "re");
	char *text = NULL;
	size_t size = 0;

	if (file && getdelim(&text, &size, '\0', file) < 0) {
		free(text);
		return strdup("");
	}
	return text;
}

/* What changes from run to run, at the begin of @text: how it is printed, or NULL, and its length. */
static const char *changing(const char *text, size_t *ret_len)
{
	static const struct {
		const char *form;	/* 0 a digit, x a hexadecimal one */
		const char *as;
	} forms[] = {
		{ "0000-00-00 00:00:00", "YYYY-MM-DD hh:mm:ss" },
		{ "\"modified\": 0000000000", "\"modified\": SECONDS" },
		/* a random one: those of the examples are of another version */
		{ "{xxxxxxxx-xxxx-4xxx-xxxx-xxxxxxxxxxxx}", "{GUID}" },
	};

	*ret_len = strlen(run_dir);
	if (!strncmp(text, run_dir, *ret_len))
		return "RUNDIR";
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		const char *form = forms[i].form;
		size_t n = 0;

		while (form[n] && (form[n] == '0' ? isdigit((unsigned char)text[n]) :
				   form[n] == 'x' ? isxdigit((unsigned char)text[n]) :
				   form[n] == text[n]))
			n++;
		*ret_len = n;
		if (!form[n])
			return forms[i].as;
	}
	return NULL;
}

/* Each line of @text behind @prefix. */
static void print_lines(FILE *out, const char *prefix, const char *text)
{
	while (*text) {
		fputs(*text == '\n' ? "" : prefix, out);
		while (*text && *text != '\n') {
			size_t len;
			const char *as = changing(text, &len);

			if (as)
				fputs(as, out);
			else
				fputc(*text, out);
			text += as ? len : 1;
		}
		fputc('\n', out);
		text += *text == '\n';
	}
}

/* One address has a name. */
static int host_name(const struct ip_addr *addr, char *buf, size_t len)
{
	struct ip_addr peer = ip_addr_v4(0x0a000002);

	if (!ip_addr_is_equal(addr, &peer))
		return -ENOENT;
	snprintf(buf, len, "peer.example.org");
	return 0;
}

/* The names of the examples; one of them has no address. */
static int resolve(void *userdata, const char *name, uint8_t family, struct ip_addr *ret_addr,
		   char why[static POLICY_WHY_LEN])
{
	(void)userdata;
	(void)family;
	if (!strcmp(name, "nowhere")) {
		snprintf(why, POLICY_WHY_LEN, "the name \"%s\" cannot be resolved", name);
		return -EINVAL;
	}
	*ret_addr = ip_addr_v4(0x0a000700 + (uint32_t)strlen(name));
	return 0;
}

/* One interface has a GUID, which is another name of it. */
static int find_interface(void *userdata, const char *text,
			  char ret_name[static POLICY_INTERFACE_MAX + 1], char why[static POLICY_WHY_LEN])
{
	(void)userdata;
	if (strlen(text) > POLICY_INTERFACE_MAX && strcmp(text, "6F7E6D2C-3B1A-4C5D-8E9F-0A1B2C3D4E5F")) {
		snprintf(why, POLICY_WHY_LEN, "no interface of this host has the name \"%s\"", text);
		return -EINVAL;
	}
	snprintf(ret_name, POLICY_INTERFACE_MAX + 1, "%s", strlen(text) > POLICY_INTERFACE_MAX ? "eth7" :
		 text);
	return 0;
}

/* Without an agent. */
static int open_driver(struct kernel **ret_kernel, char *why)
{
	struct kernel *kernel;

	if (driver_mode < 0) {
		snprintf(why, KERNEL_WHY_LEN, "The driver is not loaded in this kernel; run \"modprobe "
			 "ipsecdrv\". If there is none for it, \"dkms autoinstall\" builds one.");
		return -ENOENT;
	}
	kernel = kernel_fake_new();
	if (!kernel)
		return -ENOMEM;
	(void)kernel->ops->mode_set(kernel, (enum ipsecdrv_mode)driver_mode, 3);
	*ret_kernel = kernel;
	return 0;
}

static enum ctl_exit run_program(struct ctl *ctl, int argc, char **argv)
{
	struct session session;

	if (argc < 2 || !session_is_meant(argv[1]))
		return ctl_main(ctl, argc, argv);
	session_init(&session, ctl, argv[1]);
	session.world.resolve = resolve;
	session.world.find_interface = find_interface;
	return session_main(&session, argc - 1, argv + 1);
}

static enum ctl_exit run_words(struct ctl_words *words, const char *input, FILE *out, FILE *err)
{
	char program[] = CTL_PROGRAM, *argv[CTL_MAX_WORDS + 2] = { program };
	struct ctl ctl;
	enum ctl_exit ret;

	memcpy(&argv[1], words->list, words->n * sizeof(argv[0]));
	ctl_init(&ctl, out, err);
	ctl.run_dir = run_dir;
	ctl.state_dir = run_dir;
	ctl.is_root = is_root;
	ctl.host_name = host_name;
	ctl.open_driver = open_driver;
	/* fmemopen() refuses an empty buffer; a comment is as good */
	ctl.in = fmemopen((void *)(*input ? input : "#"), *input ? strlen(input) : 1, "r");
	assert_non_null(ctl.in);
	ret = run_program(&ctl, (int)words->n + 1, argv);
	ctl_exit(&ctl);
	(void)fclose(ctl.in);
	return ret;
}

/* RUNDIR in a command is the run directory. */
static char *expand(const char *line)
{
	const char *mark;
	char *text = NULL;
	size_t len;
	FILE *file = open_memstream(&text, &len);

	assert_non_null(file);
	for (; (mark = strstr(line, "RUNDIR")); line = mark + strlen("RUNDIR"))
		fprintf(file, "%.*s%s", (int)(mark - line), line, run_dir);
	fputs(line, file);
	(void)fclose(file);
	return text;
}

static void run_line(const char *line, const char *input, FILE *transcript)
{
	_cleanup_free_ char *command = expand(line), *given = expand(input);
	_cleanup_free_ char *out_text = NULL, *err_text = NULL, *log = NULL;
	size_t out_len, err_len;
	FILE *out = open_memstream(&out_text, &out_len);
	FILE *err = open_memstream(&err_text, &err_len);
	char why[POLICY_WHY_LEN];
	struct ctl_words words;
	enum ctl_exit ret;

	assert_true(out && err);
	fprintf(transcript, "> %s\n", line);
	if (ctl_words_split(command, &words, why) < 0) {
		/* what a shell would not have let through */
		ret = CTL_EXIT_USAGE;
		fprintf(err, "%s\n", why);
	} else {
		ret = run_words(&words, given, out, err);
		ctl_words_clear(&words);
	}
	(void)fclose(out);
	(void)fclose(err);
	print_lines(transcript, "", out_text);
	print_lines(transcript, "stderr: ", err_text);
	if (agent) {
		log = fake_agent_take_log(agent);
		print_lines(transcript, "agent: ", log);
	}
	if (ret)
		fprintf(transcript, "exit code %d\n", ret);
	fputc('\n', transcript);
}

static void obey(const char *line)
{
	if (!strcmp(line, "!empty") || !strcmp(line, "!full")) {
		fake_agent_set_empty(agent, !strcmp(line, "!empty"));
	} else if (!strcmp(line, "!down")) {
		agent = fake_agent_free(agent);
	} else if (!strcmp(line, "!up")) {
		agent = fake_agent_new(run_dir);
		assert_non_null(agent);
	} else if (!strncmp(line, "!driver ", strlen("!driver "))) {
		driver_mode = nl_mode_from_name(line + strlen("!driver "));
		assert_true(driver_mode >= 0);
	} else if (!strcmp(line, "!undriver")) {
		driver_mode = -1;
	} else if (!strcmp(line, "!fresh")) {
		fake_stores_remove(run_dir);
	} else if (!strcmp(line, "!root") || !strcmp(line, "!user")) {
		is_root = !strcmp(line, "!root");
	} else {
		fail_msg("unknown directive %s", line);
	}
}

static void run_input(char *text, FILE *transcript)
{
	char input[16384] = "";
	bool is_input = false;

	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		if (!strcmp(line, "!stdin") || !strcmp(line, "!end")) {
			is_input = *++line == 's';
			if (is_input)
				input[0] = '\0';
		} else if (is_input) {
			strncat(input, line, sizeof(input) - strlen(input) - 2);
			strcat(input, "\n");
		} else if (!strcmp(line, "!run")) {
			run_line("", input, transcript);
			input[0] = '\0';
		} else if (*line == '!') {
			obey(line);
		} else if (*line != '#') {
			run_line(line, input, transcript);
			input[0] = '\0';
		}
	}
}

static void update(const char *path, const char *text)
{
	_cleanup_fclose_ FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
}

static void run_golden(void **state)
{
	const struct golden *golden = *state;
	_cleanup_free_ char *input = NULL, *expected = NULL, *text = NULL;
	char path[PATH_LEN + 8];
	FILE *transcript;
	size_t len;

	snprintf(path, sizeof(path), "%s.in", golden->base);
	input = read_file(path);
	assert_non_null(input);
	transcript = open_memstream(&text, &len);
	assert_non_null(transcript);
	run_input(input, transcript);
	(void)fclose(transcript);
	snprintf(path, sizeof(path), "%s.ok", golden->base);
	if (getenv("GOLDEN_UPDATE"))
		update(path, text);
	expected = read_file(path);
	assert_non_null(expected);
	assert_string_equal(text, expected);
}

static int start_agent(void **state)
{
	(void)state;
	is_root = false;
	agent = fake_agent_new(run_dir);
	return agent ? 0 : -1;
}

static int stop_agent(void **state)
{
	char path[PATH_LEN + 16];

	(void)state;
	agent = fake_agent_free(agent);
	fake_stores_remove(run_dir);
	snprintf(path, sizeof(path), "%s/backup.ipsec", run_dir);
	(void)unlink(path);
	snprintf(path, sizeof(path), "%s/control", run_dir);
	return unlink(path);
}

static int is_input_file(const struct dirent *entry)
{
	const char *dot = strrchr(entry->d_name, '.');

	return dot && !strcmp(dot, ".in");
}

/* The title is the first line, after "# ". */
static int load(struct golden *golden, const char *folder, const char *name)
{
	_cleanup_fclose_ FILE *file = NULL;
	char path[PATH_LEN + 8];

	snprintf(golden->base, sizeof(golden->base), "%s/%.*s", folder, (int)strlen(name) - 3,
		 name);
	snprintf(path, sizeof(path), "%s.in", golden->base);
	file = fopen(path, "re");
	if (!file || !fgets(golden->title, sizeof(golden->title), file) ||
	    strncmp(golden->title, "# ", 2) != 0)
		return -EINVAL;
	golden->title[strcspn(golden->title, "\n")] = '\0';
	return 0;
}

int main(void)
{
	const char *top = getenv("TOP") ?: ".", *tmp = getenv("TMPDIR") ?: "/tmp";
	struct CMUnitTest tests[MAX_FILES];
	struct dirent **entries = NULL;
	char folder[PATH_LEN / 2];
	int n, ret;

	snprintf(folder, sizeof(folder), "%s/" FOLDER, top);
	snprintf(run_dir, sizeof(run_dir), "%s/ctl-golden-XXXXXX", tmp);
	n = scandir(folder, &entries, is_input_file, alphasort);
	if (n <= 0 || n > MAX_FILES || !mkdtemp(run_dir)) {
		fprintf(stderr, "no golden files in %s, or no temporary folder\n", folder);
		return 1;
	}
	for (int i = 0; i < n; i++) {
		if (load(&goldens[i], folder, entries[i]->d_name) < 0) {
			fprintf(stderr, "%s has no title\n", entries[i]->d_name);
			return 1;
		}
		tests[i] = (struct CMUnitTest){
			.name = goldens[i].title + 2,
			.test_func = run_golden,
			.setup_func = start_agent,
			.teardown_func = stop_agent,
			.initial_state = &goldens[i],
		};
		free(entries[i]);
	}
	free(entries);
	ret = _cmocka_run_group_tests("golden", tests, (size_t)n, NULL, NULL);
	rmdir(run_dir);
	return ret;
}

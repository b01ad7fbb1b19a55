// SPDX-License-Identifier: MIT
/* agent.conf: the original's names, and who goes before whom. */
#include "agent/test_util.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/config.h"
#include "agent/settings.h"

struct fixture {
	char dir[64];
	char conf[96];
	char config[96];
	struct settings *settings;
};

static unsigned int n_complaints;
static char complaints[1024];

static void complain(const char *line, const char *why)
{
	size_t len = strlen(complaints);

	n_complaints++;
	snprintf(complaints + len, sizeof(complaints) - len, "%s|%s\n", line, why);
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	snprintf(f->dir, sizeof(f->dir), "/tmp/test_settings.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->conf, sizeof(f->conf), "%s/agent.conf", f->dir);
	snprintf(f->config, sizeof(f->config), "%s/config", f->dir);
	n_complaints = 0;
	complaints[0] = '\0';
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	settings_free(f->settings);
	(void)unlink(f->conf);
	(void)unlink(f->config);
	assert_int_equal(rmdir(f->dir), 0);
	free(f);
	return 0;
}

static void read_conf(struct fixture *f, const char *text)
{
	FILE *file = fopen(f->conf, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	f->settings = settings_free(f->settings);
	assert_int_equal(settings_new(f->conf, complain, &f->settings), 0);
}

static uint32_t number(struct fixture *f, const char *property)
{
	struct config *config;
	uint32_t n;

	assert_int_equal(config_new(f->config, f->settings, complain, &config), 0);
	n = config_number(config, property);
	config_free(config);
	return n;
}

static void test_names(void **state)
{
	struct fixture *f = *state;

	read_conf(f, "# as in the registry\n\n  EnableLogging = 1\nStrongCrlCheck=2\n"
		  "enablediagnostics\t=\t7\r\nLogInterval=60\nNoDefaultExempt=1\n"
		  "StrongCrypto=1\n");
	assert_int_equal(n_complaints, 0);
	assert_int_equal(number(f, "ikelogging"), 1);
	assert_int_equal(number(f, "strongcrlcheck"), 2);
	assert_int_equal(number(f, "ipsecdiagnostics"), 7);
	assert_int_equal(number(f, "ipsecloginterval"), 60);
	assert_int_equal(number(f, "ipsecexempt"), 1);
	assert_int_equal(number(f, "strongcrypto"), 1);
	assert_true(settings_has_audit(f->settings));
	assert_false(settings_always_challenges(f->settings));
}

static void test_switches(void **state)
{
	struct fixture *f = *state;

	read_conf(f, "DisableIKEAudits = 1\nEnableDOSProtect = 1\n");
	assert_false(settings_has_audit(f->settings));
	assert_true(settings_always_challenges(f->settings));
	assert_string_equal(settings_oakley_path(f->settings),
			    "/var/log/ipsec-policy/oakley.log");
	read_conf(f, "OakleyLog = /tmp/oakley.log\nOakleyLog = oakley.log\nOakleyLog = /tmp/\n"
		  "OakleyLog =\n");
	assert_string_equal(settings_oakley_path(f->settings), "/tmp/oakley.log");
	assert_int_equal(n_complaints, 3);
	n_complaints = 0;
	read_conf(f, "DisableIKEAudits = 1\nDisableIKEAudits = 0\n");
	assert_true(settings_has_audit(f->settings));
	assert_int_equal(n_complaints, 0);
}

static void test_kerberos(void **state)
{
	struct fixture *f = *state;

	read_conf(f, "");
	assert_string_equal(settings_kerberos_name(f->settings), "");
	assert_string_equal(settings_kerberos_realms(f->settings), "");
	read_conf(f, "KerberosName = host-a$@A.TEST\nKerberosRealms = A.TEST, B.TEST\n"
		  "KerberosName = host-a$\nKerberosName =\nKerberosName = a b$@A.TEST\n"
		  "KerberosRealms = ,\nKerberosRealms =\nKerberosRealms = a@A.TEST\n");
	assert_string_equal(settings_kerberos_name(f->settings), "host-a$@A.TEST");
	assert_string_equal(settings_kerberos_realms(f->settings), "A.TEST, B.TEST");
	assert_int_equal(n_complaints, 6);
}

/* What "set config" has set counts, and is all that is written. */
static void test_order(void **state)
{
	struct fixture *f = *state;
	struct config *config;
	struct fault fault;

	read_conf(f, "EnableLogging=1\nEnableDiagnostics=3\n");
	assert_int_equal(config_new(f->config, f->settings, complain, &config), 0);
	assert_int_equal(config_set(config, "ikelogging", "0", &fault), 0);
	assert_int_equal(config_number(config, "ikelogging"), 0);
	assert_int_equal(config_number(config, "ipsecdiagnostics"), 3);
	config_free(config);
	assert_int_equal(number(f, "ikelogging"), 0);
	read_conf(f, "");
	assert_int_equal(number(f, "ikelogging"), 0);
	assert_int_equal(number(f, "ipsecdiagnostics"), 0);
}

static void test_bad(void **state)
{
	struct fixture *f = *state;

	read_conf(f, "EnableLogging\nEnableLoging=1\nEnableLogging=3\nDisableIKEAudits=yes\n"
		  "DisableIKEAudits=\n=1\n");
	assert_int_equal(n_complaints, 6);
	assert_non_null(strstr(complaints, "EnableLoging=1|there is no such setting"));
	assert_non_null(strstr(complaints, "EnableLogging=3|ikelogging=3: a number from 0 to 2"));
	assert_non_null(strstr(complaints, "DisableIKEAudits=yes|0 or 1 is expected"));
	assert_int_equal(number(f, "ikelogging"), 0);
	assert_true(settings_has_audit(f->settings));
}

static void test_no_file(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(settings_new(f->conf, complain, &f->settings), 0);
	assert_int_equal(number(f, "ikelogging"), 0);
	f->settings = settings_free(f->settings);
	/* one that is there but is no file is no absent one */
	assert_int_equal(mkdir(f->conf, 0700), 0);
	assert_true(settings_new(f->conf, complain, &f->settings) < 0);
	assert_int_equal(rmdir(f->conf), 0);
	assert_int_equal(settings_new(NULL, NULL, &f->settings), 0);
}

#define TEST(name, function) { name, function, set_up, tear_down, NULL }

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("L14 X15 the settings have the original's names", test_names),
		TEST("L03 audits can be switched off", test_switches),
		TEST("this host's name and the realms for Kerberos", test_kerberos),
		TEST("L14 what has been set goes before the file", test_order),
		TEST("L14 lines that are not understood change nothing", test_bad),
		TEST("L14 without the file there are the defaults", test_no_file),
	};

	return cmocka_run_group_tests_name("settings", tests, NULL, NULL);
}

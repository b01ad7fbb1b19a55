// SPDX-License-Identifier: MIT
#include "agent/state.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#include "agent/dynamic.h"
#include "policy/fault.h"
#include "base/bytes.h"
#include "base/file.h"
#include "base/siphash.h"

#define MAGIC		0x49504453	/* "IPDS" */
#define VERSION		5
#define VERSION_BEFORE	4		/* rules had no mainmode */
#define HEADER_LEN	(4 + 4 + 8)	/* magic, version, checksum of the rest */
#define SIZE_FIRST	65536
#define SIZE_MAX_LEN	(256U << 20)
#define NONE		UINT32_MAX	/* length of a string that is not there */

/* --- writing ------------------------------------------------------------------------------ */

static void put_string(struct writer *w, const char *text)
{
	if (!text) {
		writer_u32(w, NONE);
		return;
	}
	writer_u32(w, (uint32_t)strlen(text));
	writer_put(w, text, strlen(text));
}

static void put_addr(struct writer *w, const struct ip_addr *addr)
{
	writer_u8(w, addr->family);
	writer_put(w, addr->bytes, sizeof(addr->bytes));
}

static void put_address(struct writer *w, const struct policy_address *address)
{
	writer_u8(w, (uint8_t)address->kind);
	put_addr(w, &address->addr);
	put_addr(w, &address->mask);
	put_string(w, address->name);
}

static void put_mm(struct writer *w, const struct policy_mm_policy *policy)
{
	put_string(w, policy->name);
	writer_u32(w, policy->quick_modes);
	writer_u32(w, policy->lifetime_minutes);
	writer_u32(w, policy->soft_sa_seconds);
	writer_u32(w, (uint32_t)policy->n_offers);
	for (size_t i = 0; i < policy->n_offers; i++) {
		writer_u8(w, (uint8_t)policy->offers[i].cipher);
		writer_u8(w, (uint8_t)policy->offers[i].hash);
		writer_u8(w, policy->offers[i].group);
	}
}

static void put_qm(struct writer *w, const struct policy_qm_policy *policy)
{
	put_string(w, policy->name);
	writer_u8(w, policy->soft);
	writer_u8(w, policy->pfs_group);
	writer_u32(w, (uint32_t)policy->n_offers);
	for (size_t i = 0; i < policy->n_offers; i++) {
		const struct policy_qm_offer *offer = &policy->offers[i];

		writer_u8(w, offer->has_ah);
		writer_u8(w, offer->has_esp);
		writer_u8(w, (uint8_t)offer->ah_hash);
		writer_u8(w, (uint8_t)offer->esp_cipher);
		writer_u8(w, (uint8_t)offer->esp_hash);
		writer_u32(w, offer->lifetime_kilobytes);
		writer_u32(w, offer->lifetime_seconds);
	}
}

static void put_rule(struct writer *w, const struct policy_rule *rule)
{
	put_address(w, &rule->source);
	put_address(w, &rule->destination);
	put_string(w, rule->mm_policy);
	put_string(w, rule->qm_policy);
	writer_u8(w, rule->protocol);
	writer_u16(w, rule->source_port);
	writer_u16(w, rule->destination_port);
	writer_u8(w, rule->mirrored);
	writer_u8(w, (uint8_t)rule->connection);
	put_string(w, rule->interface);
	writer_u8(w, (uint8_t)rule->inbound);
	writer_u8(w, (uint8_t)rule->outbound);
	writer_u8(w, rule->has_tunnel);
	put_address(w, &rule->tunnel_destination);
	writer_u8(w, rule->is_default_response);
	writer_u8(w, (uint8_t)rule->main_mode);
	writer_u32(w, (uint32_t)rule->n_methods);
	for (size_t i = 0; i < rule->n_methods; i++) {
		writer_u8(w, (uint8_t)rule->methods[i].kind);
		writer_u8(w, rule->methods[i].cert_map);
		writer_u8(w, rule->methods[i].exclude_ca_name);
		put_string(w, rule->methods[i].secret);
	}
}

static uint64_t checksum(const uint8_t *data, size_t len)
{
	/* against accidents, not against people: who can write the file is root */
	static const struct siphash_key key = { 1, 2 };

	return siphash(&key, data, len);
}

/* The layers that are nowhere else. */
static const enum ruleset_layer layers[] = { RULESET_LAYER_IPSECPOL, RULESET_LAYER_DYNAMIC };

#define N_LAYERS (sizeof(layers) / sizeof(layers[0]))

bool state_has_layer(enum ruleset_layer layer)
{
	for (size_t i = 0; i < N_LAYERS; i++)
		if (layers[i] == layer)
			return true;
	return false;
}

/* Without a layer it is one without rules. */
static void put_ruleset(struct writer *w, const struct ruleset *ruleset)
{
	static const struct ruleset none;

	ruleset = ruleset ? ruleset : &none;
	writer_u32(w, (uint32_t)ruleset->n_mms);
	for (size_t i = 0; i < ruleset->n_mms; i++)
		put_mm(w, ruleset->mms[i]->policy);
	writer_u32(w, (uint32_t)ruleset->n_qms);
	for (size_t i = 0; i < ruleset->n_qms; i++)
		put_qm(w, ruleset->qms[i]->policy);
	writer_u32(w, (uint32_t)ruleset->n_rules);
	for (size_t i = 0; i < ruleset->n_rules; i++) {
		struct policy_rule rule = ruleset_rule_view(ruleset->rules[i]);

		put_rule(w, &rule);
	}
}

static void put_all(struct writer *w, struct ruleset *const *rulesets, const struct names *names)
{
	writer_u32(w, MAGIC);
	writer_u32(w, VERSION);
	writer_u64(w, 0);
	for (size_t i = 0; i < N_LAYERS; i++)
		put_ruleset(w, rulesets[layers[i]]);
	writer_u32(w, (uint32_t)names->n);
	for (size_t i = 0; i < names->n; i++) {
		put_string(w, names->names[i].name);
		writer_u32(w, (uint32_t)names->names[i].n_addrs);
		for (size_t j = 0; j < names->names[i].n_addrs; j++)
			put_addr(w, &names->names[i].addrs[j]);
	}
}

int state_encode(struct ruleset *const *rulesets, const struct names *names, uint8_t **ret_data,
		 size_t *ret_len)
{
	for (size_t size = SIZE_FIRST; size <= SIZE_MAX_LEN; size *= 2) {
		uint8_t *data = malloc(size);
		struct writer w = writer_make(data, size);

		if (!data)
			return -ENOMEM;
		put_all(&w, rulesets, names);
		if (!w.overflow) {
			uint64_t sum = checksum(data + HEADER_LEN, w.len - HEADER_LEN);

			writer_patch_u32(&w, 8, (uint32_t)(sum >> 32));
			writer_patch_u32(&w, 12, (uint32_t)sum);
			*ret_data = data;
			*ret_len = w.len;
			return 0;
		}
		wipe_free(data, size);
	}
	return -EFBIG;
}

/* --- reading ------------------------------------------------------------------------------ */

/* NULL for a string that is not there; on failure the reader has failed. */
static char *get_string(struct reader *r)
{
	uint32_t len = reader_u32(r);
	struct bytes bytes;
	char *text;

	if (len == NONE || r->failed)
		return NULL;
	bytes = reader_take(r, len);
	if (r->failed)
		return NULL;
	text = malloc((size_t)len + 1);
	if (!text) {
		r->failed = true;
		return NULL;
	}
	if (len)
		memcpy(text, bytes.data, len);
	text[len] = '\0';
	return text;
}

static void get_addr(struct reader *r, struct ip_addr *ret_addr)
{
	uint8_t family = reader_u8(r);
	uint8_t bytes[16];

	reader_copy(r, bytes, sizeof(bytes));
	*ret_addr = (struct ip_addr){ .family = family };
	if (family && !ip_addr_len(ret_addr))
		r->failed = true;
	memcpy(ret_addr->bytes, bytes, ip_addr_len(ret_addr));
}

static void get_address(struct reader *r, struct policy_address *ret_address)
{
	uint8_t kind = reader_u8(r);

	if (kind > POLICY_ADDRESS_GATEWAY)
		r->failed = true;
	ret_address->kind = kind;
	get_addr(r, &ret_address->addr);
	get_addr(r, &ret_address->mask);
	ret_address->name = get_string(r);
	if (kind == POLICY_ADDRESS_NAME && !ret_address->name)
		r->failed = true;
	if (kind == POLICY_ADDRESS_IP && (!ret_address->addr.family ||
					  ret_address->addr.family != ret_address->mask.family))
		r->failed = true;
}

static uint8_t get_limited(struct reader *r, unsigned int max)
{
	uint8_t value = reader_u8(r);

	if (value > max)
		r->failed = true;
	return r->failed ? 0 : value;
}

static size_t get_count(struct reader *r, size_t max)
{
	uint32_t n = reader_u32(r);

	if (n > max)
		r->failed = true;
	return r->failed ? 0 : n;
}

static int get_mm(struct reader *r, struct ruleset *dynamic, struct fault *fault)
{
	struct policy_mm_policy *policy = policy_mm_policy_new();

	if (!policy)
		return fault_no_memory(fault);
	free(policy->name);
	policy->name = get_string(r);
	policy->quick_modes = reader_u32(r);
	policy->lifetime_minutes = reader_u32(r);
	policy->soft_sa_seconds = reader_u32(r);
	policy->n_offers = get_count(r, POLICY_MAX_OFFERS);
	for (size_t i = 0; i < policy->n_offers; i++) {
		policy->offers[i].cipher = get_limited(r, POLICY_CIPHER_AESGCM256);
		policy->offers[i].hash = get_limited(r, POLICY_HASH_SHA512);
		policy->offers[i].group = reader_u8(r);
	}
	if (r->failed) {
		policy_mm_policy_free(policy);
		return -EBADMSG;
	}
	return dynamic_add_mm(dynamic, policy, fault);
}

static int get_qm(struct reader *r, struct ruleset *dynamic, struct fault *fault)
{
	struct policy_qm_policy *policy = policy_qm_policy_new();

	if (!policy)
		return fault_no_memory(fault);
	free(policy->name);
	policy->name = get_string(r);
	policy->soft = get_limited(r, 1);
	policy->pfs_group = reader_u8(r);
	policy->n_offers = get_count(r, POLICY_MAX_OFFERS);
	for (size_t i = 0; i < policy->n_offers; i++) {
		struct policy_qm_offer *offer = &policy->offers[i];

		offer->has_ah = get_limited(r, 1);
		offer->has_esp = get_limited(r, 1);
		offer->ah_hash = get_limited(r, POLICY_HASH_SHA512);
		offer->esp_cipher = get_limited(r, POLICY_CIPHER_AESGCM256);
		offer->esp_hash = get_limited(r, POLICY_HASH_SHA512);
		offer->lifetime_kilobytes = reader_u32(r);
		offer->lifetime_seconds = reader_u32(r);
	}
	if (r->failed) {
		policy_qm_policy_free(policy);
		return -EBADMSG;
	}
	return dynamic_add_qm(dynamic, policy, fault);
}

static void clear_methods(struct policy_rule *rule)
{
	for (size_t i = 0; i < rule->n_methods; i++) {
		char *secret = rule->methods[i].secret;

		rule->methods[i].secret = wipe_free(secret, secret ? strlen(secret) : 0);
	}
	rule->n_methods = 0;
}

static void get_methods(struct reader *r, struct policy_rule *rule)
{
	size_t n = get_count(r, POLICY_MAX_METHODS);

	clear_methods(rule);	/* the default of a new rule */
	for (size_t i = 0; i < n; i++) {
		struct policy_method *method = &rule->methods[rule->n_methods++];

		*method = (struct policy_method){ .kind = get_limited(r, POLICY_METHOD_ROOT_CA) };
		method->cert_map = get_limited(r, 1);
		method->exclude_ca_name = get_limited(r, 1);
		method->secret = get_string(r);
		if (!method->secret && method->kind != POLICY_METHOD_KERBEROS)
			r->failed = true;
	}
}

static int get_rule(struct reader *r, uint32_t version, struct ruleset *dynamic,
		    struct fault *fault)
{
	struct policy_rule *rule = policy_rule_new();

	if (!rule)
		return fault_no_memory(fault);
	get_address(r, &rule->source);
	get_address(r, &rule->destination);
	rule->mm_policy = get_string(r);
	rule->qm_policy = get_string(r);
	rule->protocol = reader_u8(r);
	rule->source_port = reader_u16(r);
	rule->destination_port = reader_u16(r);
	rule->mirrored = get_limited(r, 1);
	rule->connection = get_limited(r, POLICY_CONNECTION_DIALUP);
	rule->interface = get_string(r);
	rule->inbound = get_limited(r, IPSECDRV_ACTION_MAX);
	rule->outbound = get_limited(r, IPSECDRV_ACTION_MAX);
	rule->has_tunnel = get_limited(r, 1);
	get_address(r, &rule->tunnel_destination);
	rule->is_default_response = get_limited(r, 1);
	if (version != VERSION_BEFORE)
		rule->main_mode = get_limited(r, POLICY_MAIN_MODE_ONLY);
	get_methods(r, rule);
	if (r->failed) {
		policy_rule_free(rule);
		return -EBADMSG;
	}
	return dynamic_add_rule(dynamic, rule, fault);
}

static int get_name(struct reader *r, struct names *names)
{
	struct ip_addr addrs[NAMES_ADDRS_MAX];
	_cleanup_free_ char *name = get_string(r);
	size_t n = get_count(r, NAMES_ADDRS_MAX);

	for (size_t i = 0; i < n; i++)
		get_addr(r, &addrs[i]);
	if (r->failed || !name)
		return -EBADMSG;
	return names_set(names, name, addrs, n) < 0 ? -ENOMEM : 0;
}

static int get_ruleset(struct reader *r, uint32_t version, struct ruleset *dynamic,
		       struct fault *fault)
{
	int error = 0;

	for (size_t n = get_count(r, DYNAMIC_POLICIES_MAX); n && !error; n--)
		error = get_mm(r, dynamic, fault);
	if (error)
		return error;
	for (size_t n = get_count(r, DYNAMIC_POLICIES_MAX); n && !error; n--)
		error = get_qm(r, dynamic, fault);
	if (error)
		return error;
	for (size_t n = get_count(r, DYNAMIC_RULES_MAX); n && !error; n--)
		error = get_rule(r, version, dynamic, fault);
	return error;
}

static int get_all(struct reader *r, uint32_t version, struct ruleset **rulesets,
		   struct names *names, struct fault *fault)
{
	int error = 0;

	for (size_t i = 0; !error && i < N_LAYERS; i++)
		error = get_ruleset(r, version, rulesets[layers[i]], fault);
	for (size_t n = error ? 0 : get_count(r, NAMES_MAX); n && !error; n--)
		error = get_name(r, names);
	return error ? error : reader_is_done(r) ? 0 : -EBADMSG;
}

static int check_header(struct reader *r, uint32_t *ret_version)
{
	uint32_t magic = reader_u32(r), version = reader_u32(r);
	uint64_t sum = reader_u64(r);

	if (r->failed || magic != MAGIC || (version != VERSION && version != VERSION_BEFORE))
		return -EBADMSG;
	*ret_version = version;
	return checksum(r->data, r->len) == sum ? 0 : -EBADMSG;
}

static int make_rulesets(struct ruleset **rulesets)
{
	for (size_t i = 0; i < N_LAYERS; i++) {
		rulesets[layers[i]] = ruleset_new(layers[i]);
		if (!rulesets[layers[i]])
			return -ENOMEM;
	}
	return 0;
}

static void free_rulesets(struct ruleset **rulesets)
{
	for (size_t i = 0; i < N_LAYERS; i++)
		ruleset_free(rulesets[layers[i]]);
}

/* The dynamic layer is always there, the other one if it has something. */
static void give_rulesets(struct ruleset **rulesets, struct ruleset **ret_rulesets)
{
	for (size_t i = 0; i < N_LAYERS; i++) {
		struct ruleset *ruleset = rulesets[layers[i]];

		if (layers[i] == RULESET_LAYER_DYNAMIC || ruleset->n_mms || ruleset->n_qms ||
		    ruleset->n_rules)
			ret_rulesets[layers[i]] = ruleset;
		else
			ruleset_free(ruleset);
	}
}

int state_decode(const uint8_t *data, size_t len, struct ruleset **ret_rulesets,
		 struct names *ret_names, struct fault *fault)
{
	struct ruleset *rulesets[RULESET_LAYER_COUNT] = { 0 };
	_cleanup_(names_done) struct names names = { 0 };
	struct reader r = reader_make(data, len);
	int error = make_rulesets(rulesets);
	uint32_t version;

	fault->text[0] = '\0';
	if (!error)
		error = check_header(&r, &version);
	if (!error)
		error = get_all(&r, version, rulesets, &names, fault);
	if (error) {
		free_rulesets(rulesets);
		if (!fault->text[0])
			fault_failed(fault, "the file is damaged or of another version");
		return error == -ENOMEM ? -ENOMEM : -EBADMSG;
	}
	give_rulesets(rulesets, ret_rulesets);
	*ret_names = names;
	names = (struct names){ 0 };
	return 0;
}

/* --- the file ----------------------------------------------------------------------------- */

static int staged_path(const char *path, char buf[static PATH_MAX])
{
	return snprintf(buf, PATH_MAX, "%s.new", path) < PATH_MAX ? 0 : -ENAMETOOLONG;
}

int state_stage(const char *path, const uint8_t *data, size_t len)
{
	_cleanup_close_ int fd = -1;
	char new[PATH_MAX];
	int r = staged_path(path, new);

	if (r)
		return r;
	(void)unlink(new);	/* of a crash */
	fd = open(new, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	r = file_write(fd, data, len);
	if (r)
		(void)unlink(new);
	return r;
}

int state_publish(const char *path)
{
	char new[PATH_MAX];
	int r = staged_path(path, new);

	if (r)
		return r;
	return rename(new, path) ? -errno : 0;
}

void state_unstage(const char *path)
{
	char new[PATH_MAX];

	if (!staged_path(path, new))
		(void)unlink(new);
}

static int read_all(int fd, uint8_t *data, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = read(fd, data + done, len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EIO;
		done += (size_t)n;
	}
	return 0;
}

int state_read(const char *path, uint8_t **ret_data, size_t *ret_len)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat st;
	uint8_t *data;
	int r;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode) || (st.st_uid && st.st_uid != geteuid()) || (st.st_mode & 077))
		return -EPERM;
	if (st.st_size > (off_t)SIZE_MAX_LEN)
		return -EFBIG;
	data = malloc((size_t)st.st_size + 1);
	if (!data)
		return -ENOMEM;
	r = read_all(fd, data, (size_t)st.st_size);
	if (r) {
		wipe_free(data, (size_t)st.st_size);
		return r;
	}
	*ret_data = data;
	*ret_len = (size_t)st.st_size;
	return 0;
}

void state_remove(const char *path)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	static const uint8_t zeros[4096];
	struct stat st;

	state_unstage(path);
	if (fd >= 0 && !fstat(fd, &st))
		for (off_t left = st.st_size; left > 0; left -= (off_t)sizeof(zeros))
			if (file_write(fd, zeros, left < (off_t)sizeof(zeros) ? (size_t)left :
							  sizeof(zeros)))
				break;
	(void)unlink(path);
}

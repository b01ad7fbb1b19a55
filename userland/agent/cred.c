// SPDX-License-Identifier: MIT
#include "agent/cred.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "agent/ruleset.h"
#include "agent/layers_mm.h"
#include "base/log.h"
#include "daemon/confine.h"
#include "link/messages.h"

#define PATH_MAX_LEN	128
#define RETRY_USEC	1000000

struct cred {
	struct link_client *client;
	struct link_call *call;		/* under way */
	sd_event_source *retry;
	const struct layers *layers;
	uint8_t crl_check;
	const char *wanted_gss_name;	/* "": cred chooses */
	const char *gss_realms;		/* "": any */
	void (*told)(void *userdata, const struct link_credential_state *state);
	void *userdata;
	char gss_name[IKE_GSS_NAME_MAX_LEN + 1];	/* as it was logged last */
	struct process process;
	bool is_synced;			/* it has the list for these layers */
};

/* --- what is sent ------------------------------------------------------------------------- */

static const enum link_credential_kind kinds[] = {
	[POLICY_METHOD_KERBEROS] = LINK_CREDENTIAL_KERBEROS,
	[POLICY_METHOD_PSK] = LINK_CREDENTIAL_PSK,
	[POLICY_METHOD_ROOT_CA] = LINK_CREDENTIAL_CERTIFICATE,
};

_Static_assert(POLICY_MAX_METHODS <= LINK_METHODS_MAX, "all methods of a rule are sent");
_Static_assert(EXPAND_FILTERS_MAX + 1 <= LINK_RULES_MAX, "so are all rules, and the default one");

/*
 * ipsec-cred knows prefixes only. Of a mask with holes it gets the leading ones: that is wider, and
 * only matters when rules with different keys overlap in such a mask.
 */
static uint8_t leading_ones(const struct ip_addr *mask)
{
	uint8_t n = 0;

	while (n < 8 * ip_addr_len(mask) && (mask->bytes[n / 8] & (0x80 >> (n % 8))))
		n++;
	return n;
}

static void fill_side(const struct kernel_filter_side *side, struct ip_addr *ret_addr,
		      uint8_t *ret_prefix)
{
	if (side->class == IPSECDRV_ADDRESS_CLASS_ME) {
		*ret_addr = (struct ip_addr){ 0 };
		*ret_prefix = 0;
		return;
	}
	*ret_addr = side->addr;
	*ret_prefix = leading_ones(&side->mask);
}

/* Each pair of sides, and the default response rule last: for whom nothing else is. */
static size_t count_rules(const struct layers *layers)
{
	return layers->n_mms + (layers->default_rule != NULL);
}

static const struct ruleset_treatment *treatment_at(const struct layers *layers, size_t place)
{
	const struct layer_mm *mm = place < layers->n_mms ? &layers->mms[place] :
							    &layers->default_mm;

	return mm->rule->treatment;
}

/* Of the pairs of one treatment the first one has its methods, and the others refer to that. */
struct place {
	const struct ruleset_treatment *treatment;
	size_t place;
};

static int compare_places(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	if (x->treatment != y->treatment)
		return (uintptr_t)x->treatment < (uintptr_t)y->treatment ? -1 : 1;
	return x->place < y->place ? -1 : x->place > y->place;
}

/* All pairs, those of one treatment side by side; the caller frees them. NULL without memory. */
static struct place *sort_places(const struct layers *layers)
{
	size_t n = count_rules(layers);
	struct place *places = calloc(n + 1, sizeof(*places));

	for (size_t i = 0; places && i < n; i++)
		places[i] = (struct place){ treatment_at(layers, i), i };
	if (places)
		qsort(places, n, sizeof(*places), compare_places);
	return places;
}

static bool is_first(const struct place *places, size_t i)
{
	return !i || places[i - 1].treatment != places[i].treatment;
}

static size_t count_methods(const struct place *places, size_t n_places)
{
	size_t n = 0;

	for (size_t i = 0; i < n_places; i++)
		if (is_first(places, i))
			n += places[i].treatment->rule->n_methods;
	return n;
}

static size_t count_bytes(const struct policy_rule *rule)
{
	size_t n = 0;

	for (size_t i = 0; i < rule->n_methods; i++)
		n += rule->methods[i].secret ? strlen(rule->methods[i].secret) : 0;
	return n;
}

int cred_can_take(const struct layers *layers)
{
	_cleanup_free_ struct place *places = sort_places(layers);
	size_t n = 0;

	if (!places)
		return -ENOMEM;
	for (size_t i = 0; i < count_rules(layers); i++)
		if (is_first(places, i))
			n += count_bytes(places[i].treatment->rule);
	return n <= LINK_SECRETS_MAX ? 0 : -ENOSPC;
}

/* What is to be sent, in two arrays; keys and names in them stay the rules'. */
struct collection {
	struct link_credentials list;
	struct link_credential *methods;
};

static void collection_clear(struct collection *collection)
{
	free(collection->list.rules);
	free(collection->methods);
}

static void fill_method(const struct policy_method *method, struct link_credential *ret)
{
	*ret = (struct link_credential){
		.kind = kinds[method->kind],
		.excludes_ca_name = method->exclude_ca_name,
		.maps_to_account = method->cert_map,
	};
	if (method->kind == POLICY_METHOD_KERBEROS)
		return;
	ret->value = (uint8_t *)method->secret;
	ret->value_len = strlen(method->secret);
}

/* Each treatment's methods once, with the first of its pairs. */
static void fill_methods(struct collection *c, const struct place *places)
{
	struct link_credential *next = c->methods;

	for (size_t i = 0; i < c->list.n_rules; i++) {
		const struct policy_rule *rule = places[i].treatment->rule;
		struct link_credential_rule *to = &c->list.rules[places[i].place];

		if (!is_first(places, i)) {
			size_t before = places[i - 1].place;
			uint32_t same_as = c->list.rules[before].same_as;

			to->same_as = same_as ? same_as : (uint32_t)before + 1;
			continue;
		}
		to->methods = next;
		to->n_methods = rule->n_methods;
		for (size_t m = 0; m < rule->n_methods; m++)
			fill_method(&rule->methods[m], next++);
	}
}

static int collect(const struct layers *layers, uint8_t crl_check,
		   struct collection *ret_collection)
{
	_cleanup_free_ struct place *places = sort_places(layers);
	size_t n = count_rules(layers);
	struct collection c = {
		.list = {
			.rules = calloc(n + 1, sizeof(*c.list.rules)),
			.n_rules = n,
			.crl_check = crl_check,
		},
		.methods = places ? calloc(count_methods(places, n) + 1, sizeof(*c.methods)) : NULL,
	};

	if (!c.list.rules || !c.methods) {
		collection_clear(&c);
		return -ENOMEM;
	}
	/*
	 * most specific first, so that what is equally specific is decided as in layers_find_mm()
	 */
	for (size_t i = 0; i < n; i++) {
		const struct layer_mm *mm = i < layers->n_mms ? &layers->mms[i] :
								&layers->default_mm;
		struct link_credential_rule *to = &c.list.rules[i];

		fill_side(&mm->local, &to->local, &to->local_prefix);
		fill_side(&mm->remote, &to->remote, &to->remote_prefix);
	}
	fill_methods(&c, places);
	*ret_collection = c;
	return 0;
}

/* --- sending ------------------------------------------------------------------------------ */

static void log_gss_name(struct cred *cred, const char *name)
{
	if (!strcmp(name, cred->gss_name))
		return;
	snprintf(cred->gss_name, sizeof(cred->gss_name), "%s", name);
	if (*name)
		log_info("this host's Kerberos name is %s", name);
	else
		log_warning("this host has no Kerberos name any more: there is no keytab, or no key "
			    "for a host in it");
}

/* Only what is about the layers of now. */
static void take_state(struct cred *cred, const struct link_credential_state *state)
{
	if (state->n_rules != count_rules(cred->layers)) {
		log_error("ipsec-cred tells of %zu rules, but has got %zu; ignoring it",
			  state->n_rules, count_rules(cred->layers));
		return;
	}
	cred->is_synced = true;
	log_gss_name(cred, state->gss_name);
	cred->told(cred->userdata, state);
}

static void on_reply(void *userdata, int error, const void *reply)
{
	struct cred *cred = userdata;

	cred->call = NULL;
	if (error == -ECONNRESET)
		return;		/* down() follows, and with the next up() all is sent again */
	if (error) {
		log_error("ipsec-cred did not take the keys, trying again: %s", strerror(-error));
		(void)sd_event_source_set_time_relative(cred->retry, RETRY_USEC);
		(void)sd_event_source_set_enabled(cred->retry, SD_EVENT_ONESHOT);
		return;
	}
	take_state(cred, reply);
}

/* While a list is on its way, this is about the one before; the answer comes after it. */
static void on_changed(void *userdata, struct link_request *request, const void *args)
{
	struct cred *cred = userdata;

	(void)request;
	if (cred->is_synced)
		take_state(cred, args);
}

static int send_credentials(struct cred *cred)
{
	struct collection collection;
	int r = collect(cred->layers, cred->crl_check, &collection);

	if (r)
		return r;
	collection.list.gss_name = (char *)cred->wanted_gss_name;
	collection.list.gss_realms = (char *)cred->gss_realms;
	r = link_call(link_client_link(cred->client), &link_set_credentials, &collection.list, 0,
		      on_reply, cred, &cred->call);
	collection_clear(&collection);
	return r;
}

static void send_all(struct cred *cred)
{
	int r;

	cred->call = link_call_cancel(cred->call);
	(void)sd_event_source_set_enabled(cred->retry, SD_EVENT_OFF);
	if (!cred->layers || !cred->process.is_up)
		return;
	r = send_credentials(cred);
	if (r && r != -ENOTCONN)
		log_error("the keys could not be sent to ipsec-cred: %s", strerror(-r));
}

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata)
{
	(void)source;
	(void)usec;
	send_all(userdata);
	return 0;
}

void cred_set(struct cred *cred, const struct layers *layers, uint8_t crl_check)
{
	cred->layers = layers;
	cred->crl_check = crl_check;
	cred->is_synced = false;
	cred->told(cred->userdata, NULL);
	send_all(cred);
}

bool cred_is_up(const struct cred *cred)
{
	return cred->process.is_up;
}

const struct process *cred_process(const struct cred *cred)
{
	return &cred->process;
}

/* --- coming and going --------------------------------------------------------------------- */

static void on_up(void *userdata, struct link *link)
{
	struct cred *cred = userdata;

	process_came(&cred->process, link_peer(link)->pid);
	send_all(cred);
}

static void on_down(void *userdata, struct link *link, int error)
{
	struct cred *cred = userdata;

	(void)link;
	(void)error;
	cred->is_synced = false;
	cred->call = NULL;
	process_went(&cred->process);
	cred->told(cred->userdata, NULL);
}

struct cred *cred_free(struct cred *cred)
{
	if (!cred)
		return NULL;
	link_client_free(cred->client);
	sd_event_source_disable_unref(cred->retry);
	free(cred);
	return NULL;
}

static const struct link_handler handlers[] = { { &link_credentials_changed, on_changed } };

int cred_new(sd_event *event, const char *run_dir, const char *gss_name, const char *gss_realms,
	     void (*told)(void *userdata, const struct link_credential_state *state),
	     void *userdata, struct cred **ret_cred)
{
	_cleanup_(cred_freep) struct cred *cred = calloc(1, sizeof(*cred));
	struct confine_user user = { .uid = geteuid() };
	bool is_nobody;
	struct link_config config = {
		.handlers = handlers, .n_handlers = 1,
		.up = on_up, .down = on_down, .userdata = cred,
	};
	uid_t uids[2] = { geteuid() };
	char path[PATH_MAX_LEN];
	int r;

	if (!cred)
		return -ENOMEM;
	cred->process.name = "ipsec-cred";
	cred->wanted_gss_name = gss_name;
	cred->gss_realms = gss_realms;
	cred->told = told;
	cred->userdata = userdata;
	if (snprintf(path, sizeof(path), "%s/%s", run_dir, LINK_SOCKET_CRED_ADMIN) >=
	    (int)sizeof(path))
		return -ENAMETOOLONG;
	(void)confine_find_user(NULL, CRED_USER, &user, &is_nobody);
	uids[1] = user.uid;
	r = sd_event_add_time_relative(event, &cred->retry, CLOCK_MONOTONIC, 0, 0, on_retry, cred);
	if (r >= 0)
		r = sd_event_source_set_enabled(cred->retry, SD_EVENT_OFF);
	if (r >= 0)
		r = link_client_new(event, path, uids, 2, &config, &cred->client);
	if (r < 0)
		return r;
	*ret_cred = TAKE_PTR(cred);
	return 0;
}

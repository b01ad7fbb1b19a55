// SPDX-License-Identifier: MIT
/* Associations: from ipsec-ike, checked, to the driver, and back. Contract: negotiate.h. */
#include "agent/negotiate_internal.h"

#include <errno.h>
#include <stdio.h>

#include "agent/layers_mm.h"
#include "agent/ruleset.h"
#include "agent/sa_check.h"
#include "agent/translate.h"
#include "base/log.h"

#define BOTH (IKE_DIRECTION_IN | IKE_DIRECTION_OUT)
/* Who has not sent or received anything for so long will not miss a pair. */
#define RENEWAL_SECONDS 300

/* --- larval associations ------------------------------------------------------------------ */

static void remove_larval(struct negotiate *negotiate, struct larval **place)
{
	struct larval *larval = *place;

	*place = larval->next;
	free(larval);
	negotiate->n_larvals--;
}

static void drop_expired_larvals(struct negotiate *negotiate)
{
	uint64_t now = negotiate_now(negotiate);
	struct larval **place = &negotiate->larvals;

	while (*place) {
		if ((*place)->until <= now)
			remove_larval(negotiate, place);
		else
			place = &(*place)->next;
	}
}

void negotiate_clear_larvals(struct negotiate *negotiate)
{
	while (negotiate->larvals)
		remove_larval(negotiate, &negotiate->larvals);
}

static struct larval **find_larval(struct negotiate *negotiate, uint32_t spi,
				   enum ike_protocol protocol, const struct ike_path *path)
{
	struct larval **place = &negotiate->larvals;

	while (*place && ((*place)->spi != spi || (*place)->protocol != protocol ||
			  !ip_addr_is_equal(&(*place)->local, &path->local) ||
			  !ip_addr_is_equal(&(*place)->remote, &path->remote)))
		place = &(*place)->next;
	return place;
}

static int add_larval(struct negotiate *negotiate, const struct ike_spi_request *request,
		      uint32_t spi)
{
	struct larval *larval = calloc(1, sizeof(*larval));

	if (!larval)
		return -ENOMEM;
	*larval = (struct larval){
		.next = negotiate->larvals,
		.spi = spi,
		.protocol = request->protocol,
		.local = request->path.local,
		.remote = request->path.remote,
		.until = negotiate_now(negotiate) + NEGOTIATE_LARVAL_USEC,
	};
	negotiate->larvals = larval;
	negotiate->n_larvals++;
	return 0;
}

static struct kernel_sa name_sa(const struct ike_path *path, enum ike_protocol protocol,
				enum ipsecdrv_direction direction, uint32_t spi)
{
	return (struct kernel_sa){
		.spi = spi,
		.protection = translate_protection(protocol),
		.direction = direction,
		.local = path->local,
		.remote = path->remote,
	};
}

int negotiate_get_spi(struct negotiate *negotiate, const struct ike_spi_request *request,
		      uint32_t *ret_spi)
{
	const struct job *job = request->acquire_id ?
				negotiate_find_job(negotiate, request->acquire_id) : NULL;
	bool is_me = negotiate_is_me(negotiate, &request->path.local);
	struct kernel *kernel = negotiate->config.kernel;
	struct kernel_sa sa = name_sa(&request->path, request->protocol, IPSECDRV_DIRECTION_IN, 0);
	uint32_t spi;
	int r;

	if (!is_me || !layers_find_mm(negotiate->layers, &request->path.local, is_me,
				      &request->path.remote))
		return negotiate_refuse(negotiate, "an SPI", &request->path, 0,
					"no rule negotiates between these addresses");
	drop_expired_larvals(negotiate);
	if (negotiate->n_larvals == NEGOTIATE_LARVALS_MAX)
		return negotiate_refuse(negotiate, "an SPI", &request->path, 0,
					"too many are reserved");
	sa.acquire_id = job ? job->driver_id : 0;
	r = kernel->ops->spi_alloc(kernel, &sa, &spi);
	if (r) {
		log_warning("the driver reserved no SPI: %s", kernel->why);
		return r;
	}
	r = add_larval(negotiate, request, spi);
	if (r)
		return r;	/* the driver takes it back in a minute */
	*ret_spi = spi;
	return 0;
}

/* --- pairs -------------------------------------------------------------------------------- */

/* It is not in the driver any more, and a filter that was made for it goes as well. */
static void remove_pair(struct negotiate *negotiate, struct pair *pair)
{
	uint32_t filter_id = pair->install.filter_id;

	pair_remove(negotiate, pair);
	negotiate_close_response(negotiate, filter_id);
}

void negotiate_clear_pairs(struct negotiate *negotiate)
{
	while (negotiate->pairs)
		pair_remove(negotiate, negotiate->pairs);
}

void negotiate_forget_pairs(struct negotiate *negotiate, uint32_t filter_id)
{
	struct pair *next;

	for (struct pair *pair = negotiate->pairs; pair; pair = next) {
		next = pair->next;
		if (pair->install.filter_id == filter_id)
			pair_remove(negotiate, pair);
	}
}

bool negotiate_has_pairs(const struct negotiate *negotiate, uint32_t filter_id)
{
	for (struct pair *pair = negotiate->pairs; pair; pair = pair->next)
		if (pair->install.filter_id == filter_id)
			return true;
	return false;
}

void negotiate_unname_pairs(struct negotiate *negotiate)
{
	for (struct pair *pair = negotiate->pairs; pair; pair = pair->next)
		pair_set_unknown(negotiate, pair);
}

/* Some of the pair is not in the driver any more. */
static void note_removed(struct negotiate *negotiate, struct pair *pair, size_t suite,
			 unsigned int directions)
{
	unsigned int left = 0;

	pair->present[suite] &= ~directions;
	for (size_t i = 0; i < IKE_SUITES_MAX; i++)
		left |= pair->present[i];
	if (!left)
		remove_pair(negotiate, pair);
}

/* --- installing --------------------------------------------------------------------------- */

static bool is_same_negotiation(const struct ike_sa_install *a, const struct ike_sa_install *b)
{
	if (a->filter_id != b->filter_id || a->n_suites != b->n_suites ||
	    a->encapsulation != b->encapsulation ||
	    !ip_addr_is_equal(&a->path.local, &b->path.local) ||
	    !ip_addr_is_equal(&a->path.remote, &b->path.remote) ||
	    !translate_is_same_selector(&a->selector, &b->selector))
		return false;
	for (size_t i = 0; i < a->n_suites; i++) {
		const struct ike_sa_suite *x = &a->suites[i], *y = &b->suites[i];

		if (x->suite.protocol != y->suite.protocol || x->suite.cipher != y->suite.cipher ||
		    x->suite.hash != y->suite.hash || x->spi_in != y->spi_in ||
		    x->spi_out != y->spi_out)
			return false;
	}
	return true;
}

/* The other half of a pair whose first half is there, or NULL. */
static struct pair *find_half(struct negotiate *negotiate, const struct ike_sa_install *install)
{
	struct pair *pair = pair_find_known(negotiate, install->qm_id);
	size_t suite;

	if (pair)
		return pair;
	/* The agent was restarted between the halves: it knows the pair by its SPI only. */
	pair = pair_find_by_spi(negotiate, IKE_DIRECTION_IN, install->suites[0].spi_in,
			   install->suites[0].suite.protocol, &install->path.remote, &suite);
	return pair && !pair->is_known ? pair : NULL;
}

static bool is_rekey(const struct negotiate *negotiate, const struct ike_sa_install *install)
{
	const struct pair *old = install->replaces_qm_id ?
				 pair_find_known(negotiate, install->replaces_qm_id) : NULL;

	return old && install->is_initiator && old->install.filter_id == install->filter_id &&
	       translate_is_same_selector(&old->install.selector, &install->selector);
}

/* Whether somebody other than IKE wants this association. */
static bool is_wanted(struct negotiate *negotiate, const struct ike_sa_install *install)
{
	const struct job *job;

	if (install->is_initiator) {
		job = negotiate_find_same_job(negotiate, install->filter_id, &install->selector);
		if (job || is_rekey(negotiate, install))
			return true;
	}
	return negotiate_take_grant(negotiate, install);
}

static bool are_larvals_there(struct negotiate *negotiate, const struct ike_sa_install *install)
{
	drop_expired_larvals(negotiate);
	for (size_t i = 0; i < install->n_suites; i++)
		if (!*find_larval(negotiate, install->suites[i].spi_in,
				  install->suites[i].suite.protocol, &install->path))
			return false;
	return true;
}

static int check_who_asks(struct negotiate *negotiate, const struct ike_sa_install *install,
			  const struct pair *half)
{
	const char *why = NULL;

	if (half) {
		if (!is_same_negotiation(&half->install, install))
			why = "it is not the other half of the pair that it names";
		else if (half->present[0] & install->directions)
			why = "it is installed already";
	} else if (!(install->directions & IKE_DIRECTION_IN)) {
		why = "it is for one direction, and there is no inbound association";
	}
	if (!why && (install->directions & IKE_DIRECTION_IN) &&
	    !are_larvals_there(negotiate, install))
		why = "its inbound SPI was not given out for this peer in the last minute";
	/* last, because it uses up what it was granted */
	if (!why && !half && !is_wanted(negotiate, install))
		why = "neither a packet nor a peer that policy allows asked for it";
	return why ? negotiate_refuse(negotiate, "an association", &install->path,
				      install->filter_id, why) : 0;
}

static int give_to_driver(struct negotiate *negotiate, const struct ike_sa_install *install)
{
	static const struct {
		enum ike_direction direction;
		enum ipsecdrv_direction driver;
	} directions[] = {
		/* inbound first: the peer may use its new keys as soon as it can */
		{ IKE_DIRECTION_IN, IPSECDRV_DIRECTION_IN },
		{ IKE_DIRECTION_OUT, IPSECDRV_DIRECTION_OUT },
	};
	struct kernel *kernel = negotiate->config.kernel;
	struct kernel_sa sas[2 * IKE_SUITES_MAX];
	size_t n = 0;
	int r;

	for (size_t d = 0; d < 2; d++)
		for (size_t i = 0; i < install->n_suites; i++)
			if (install->directions & directions[d].direction)
				translate_sa(install, i, directions[d].driver, &sas[n++]);
	r = kernel->ops->sa_new(kernel, sas, n);
	wipe(sas, sizeof(sas));
	if (r)
		log_warning("the driver did not take an association for filter %u: %s",
			    install->filter_id, kernel->why);
	return r;
}

static void note_installed(struct negotiate *negotiate, struct pair *pair,
			   const struct ike_sa_install *install)
{
	pair_set_known(negotiate, pair, install->qm_id);
	for (size_t i = 0; i < install->n_suites; i++) {
		struct larval **larval = find_larval(negotiate, install->suites[i].spi_in,
						     install->suites[i].suite.protocol,
						     &install->path);

		pair->present[i] |= install->directions;
		if ((install->directions & IKE_DIRECTION_IN) && *larval)
			remove_larval(negotiate, larval);
	}
}

static int add_sa(struct negotiate *negotiate, const struct ike_sa_install *install,
		  const struct layer_filter *filter)
{
	bool has_end = negotiate_is_me(negotiate, &install->path.local);
	bool is_me = negotiate_is_me(negotiate, &install->selector.local);
	char why[SA_CHECK_WHY_LEN];
	struct pair *half, *pair;
	int r;

	if (sa_check_install(install, filter, has_end, is_me, why))
		return negotiate_refuse(negotiate, "an association", &install->path,
					install->filter_id, why);
	half = find_half(negotiate, install);
	r = check_who_asks(negotiate, install, half);
	if (r)
		return r;
	pair = half ? half : pair_add(negotiate, install);
	if (!pair)
		return -ENOMEM;
	r = give_to_driver(negotiate, install);
	if (r) {
		if (!half)
			pair_remove(negotiate, pair);
		return r;
	}
	note_installed(negotiate, pair, install);
	if (install->directions & IKE_DIRECTION_OUT)
		negotiate_finish_job(negotiate, install->filter_id, &install->selector);
	return 0;
}

int negotiate_add_sa(struct negotiate *negotiate, const struct ike_sa_install *install)
{
	const struct layer_filter *filter = layers_find(negotiate->layers, install->filter_id);
	int r;

	if (!filter)
		filter = negotiate_open_response(negotiate, install);
	r = add_sa(negotiate, install, filter);
	if (r)
		negotiate_close_response(negotiate, install->filter_id);
	return r;
}

/* --- removing ----------------------------------------------------------------------------- */

static void delete_sa(struct negotiate *negotiate, const struct kernel_sa *sa)
{
	struct kernel *kernel = negotiate->config.kernel;
	int r = kernel->ops->sa_del(kernel, sa);

	/* It can have gone by itself: expired, or with its filter. */
	if (r && r != -ENOENT)
		log_warning("the driver did not remove SPI 0x%08x: %s", sa->spi, kernel->why);
}

static void delete_one(struct negotiate *negotiate, const struct ike_sa_ref *ref,
		       enum ike_direction direction, uint32_t spi)
{
	enum ipsecdrv_direction driver = direction == IKE_DIRECTION_IN ? IPSECDRV_DIRECTION_IN :
									 IPSECDRV_DIRECTION_OUT;
	struct kernel_sa sa = name_sa(&ref->path, ref->protocol, driver, spi);
	struct larval **larval = find_larval(negotiate, spi, ref->protocol, &ref->path);
	struct pair *pair;
	size_t suite;

	if (!spi)
		return;
	pair = pair_find_by_spi(negotiate, direction, spi, ref->protocol, &ref->path.remote, &suite);
	if (pair) {
		delete_sa(negotiate, &sa);
		note_removed(negotiate, pair, suite, direction);
	} else if (direction == IKE_DIRECTION_IN && *larval) {
		delete_sa(negotiate, &sa);
		remove_larval(negotiate, larval);
	}
}

void negotiate_del_sa(struct negotiate *negotiate, const struct ike_sa_ref *ref)
{
	/*
	 * outbound first: what leaves then is held for the next association and not lost at the
	 * peer
	 */
	delete_one(negotiate, ref, IKE_DIRECTION_OUT, ref->spi_out);
	delete_one(negotiate, ref, IKE_DIRECTION_IN, ref->spi_in);
}

static void delete_pair(struct negotiate *negotiate, struct pair *pair)
{
	const struct ike_sa_install *install = &pair->install;

	for (size_t i = 0; i < install->n_suites; i++) {
		enum ike_protocol protocol = install->suites[i].suite.protocol;
		struct kernel_sa out = name_sa(&install->path, protocol, IPSECDRV_DIRECTION_OUT,
					       install->suites[i].spi_out);
		struct kernel_sa in = name_sa(&install->path, protocol, IPSECDRV_DIRECTION_IN,
					      install->suites[i].spi_in);

		delete_sa(negotiate, &out);
		delete_sa(negotiate, &in);
	}
	remove_pair(negotiate, pair);
}

void negotiate_end_pair(struct negotiate *negotiate, struct pair *pair)
{
	const struct ike_sa_suite *suite = &pair->install.suites[0];
	struct kernel_sa in = name_sa(&pair->install.path, suite->suite.protocol,
				      IPSECDRV_DIRECTION_IN, suite->spi_in);

	negotiate_tell_expiry(negotiate, IKE_EXPIRE_HARD, &in);
	delete_pair(negotiate, pair);
}

int negotiate_delete_sas(struct negotiate *negotiate, const struct ip_addr *remote)
{
	struct pair *next;
	int n = 0;

	for (struct pair *pair = negotiate->pairs; pair; pair = next) {
		next = pair->next;
		if (remote->family && !ip_addr_is_equal(remote, &pair->install.path.remote))
			continue;
		delete_pair(negotiate, pair);
		n++;
	}
	return n;
}

/* --- expiry ------------------------------------------------------------------------------- */

static enum ike_expire_kind expire_kind(enum ipsecdrv_lifetime_kind kind)
{
	switch (kind) {
	case IPSECDRV_LIFETIME_KIND_SOFT:
		return IKE_EXPIRE_SOFT;
	case IPSECDRV_LIFETIME_KIND_IDLE:
		return IKE_EXPIRE_IDLE;
	default:
		return IKE_EXPIRE_HARD;
	}
}

void negotiate_tell_expiry(struct negotiate *negotiate, enum ike_expire_kind kind,
			   const struct kernel_sa *sa)
{
	const struct negotiate_config *config = &negotiate->config;
	struct link_expire expire = {
		.kind = kind,
		.direction = sa->direction == IPSECDRV_DIRECTION_IN ? IKE_DIRECTION_IN :
								      IKE_DIRECTION_OUT,
		.remote = sa->remote,
		.protocol = translate_protocol(sa->protection),
		.spi = sa->spi,
	};

	(void)config->ike.expire(config->userdata, &expire);
}

void negotiate_expire(struct negotiate *negotiate, enum ipsecdrv_lifetime_kind kind,
		      const struct kernel_sa *sa)
{
	enum ike_direction direction = sa->direction == IPSECDRV_DIRECTION_IN ? IKE_DIRECTION_IN :
										IKE_DIRECTION_OUT;
	size_t suite;
	struct pair *pair = pair_find_by_spi(negotiate, direction, sa->spi,
					translate_protocol(sa->protection), &sa->remote, &suite);

	/* A pair that nobody uses any more is not renewed; it lives to its end. */
	if (!pair || kind != IPSECDRV_LIFETIME_KIND_SOFT ||
	    negotiate_has_moved(negotiate, pair, RENEWAL_SECONDS))
		negotiate_tell_expiry(negotiate, expire_kind(kind), sa);
	if (!pair)
		return;
	switch (kind) {
	case IPSECDRV_LIFETIME_KIND_SOFT:
		pair->is_dying = true;
		break;
	case IPSECDRV_LIFETIME_KIND_IDLE:
		note_removed(negotiate, pair, suite, BOTH);
		break;
	default:
		note_removed(negotiate, pair, suite, direction);
	}
}

/* --- the driver's tables ------------------------------------------------------------------ */

static const struct kernel_sa *find_sa(const struct kernel_sa *sas, size_t n, uint32_t spi,
				       enum ipsecdrv_direction direction,
				       enum ipsecdrv_protection protection,
				       const struct ip_addr *remote)
{
	for (size_t i = 0; i < n; i++)
		if (sas[i].spi == spi && sas[i].direction == direction &&
		    sas[i].protection == protection && ip_addr_is_equal(&sas[i].remote, remote))
			return &sas[i];
	return NULL;
}

/* The driver does not tell key lengths; the method of the policy that fits does. */
static uint16_t guess_key_bits(const struct negotiate *negotiate, const struct kernel_sa *sa)
{
	const struct layer_filter *filter = layers_find(negotiate->layers, sa->filter_id);
	const struct ruleset_rule *rule = filter ? layer_filter_rule(filter) : NULL;
	struct ike_qm_policy policy;

	if (rule && rule->treatment->qm) {
		translate_qm_policy(rule, &filter->filter, &policy);
		for (size_t i = 0; i < policy.n_offers; i++)
			for (size_t j = 0; j < policy.offers[i].n_suites; j++)
				if ((int)policy.offers[i].suites[j].cipher == (int)sa->cipher)
					return policy.offers[i].suites[j].key_bits;
	}
	return sa->cipher == IPSECDRV_CIPHER_AES_CBC || sa->cipher == IPSECDRV_CIPHER_AES_GCM_16 ?
	       128 : 0;
}

static void add_suite(const struct negotiate *negotiate, const struct kernel_sa *sa,
		      struct ike_sa_install *install)
{
	install->suites[install->n_suites++] = (struct ike_sa_suite){
		.suite = {
			.protocol = translate_protocol(sa->protection),
			.cipher = (enum ike_cipher)sa->cipher,
			.key_bits = guess_key_bits(negotiate, sa),
			.hash = (enum ike_hash)sa->integrity,
		},
		.spi_in = sa->spi,
		.spi_out = sa->pair_spi,
	};
}

static uint32_t seconds_left(uint32_t limit, uint32_t age)
{
	return !limit ? 0 : limit > age ? limit - age : 1;
}

/* What IKE would have asked for, had it asked today. */
static void describe_pair(const struct negotiate *negotiate, const struct kernel_sa *sas, size_t n,
			  const struct kernel_sa *in, struct ike_sa_install *ret_install)
{
	const struct kernel_lifetime *life = &in->lifetime;
	const struct kernel_sa *ah = NULL, *out;
	struct ike_sa_install install;

	out = find_sa(sas, n, in->pair_spi, IPSECDRV_DIRECTION_OUT, in->protection, &in->remote);
	install = (struct ike_sa_install){
		.directions = IKE_DIRECTION_IN,
		.path = {
			.local = in->local,
			.remote = in->remote,
			.local_port = in->encap_local_port ? in->encap_local_port : 500,
			.remote_port = in->encap_remote_port ? in->encap_remote_port : 500,
		},
		.is_in_udp = in->encap_local_port != 0,
		.is_behind_nat = out && out->encap_keepalive,
		.is_peer_behind_nat = in->encap_follow,
		.selector = translate_selector(&in->selector),
		.encapsulation = in->encapsulation == IPSECDRV_ENCAPSULATION_TUNNEL ?
				 IKE_ENCAPSULATION_TUNNEL : IKE_ENCAPSULATION_TRANSPORT,
		.life_seconds = seconds_left(life->hard_seconds, in->age_seconds),
		.soft_seconds = seconds_left(life->soft_seconds, in->age_seconds),
		.life_bytes = life->hard_bytes,
		.soft_bytes = out ? out->lifetime.soft_bytes : life->soft_bytes,
		.soft_bytes_in = life->soft_bytes,
		.idle_seconds = life->idle_seconds,
		.filter_id = in->filter_id,
	};

	if (in->bundle_spi)
		ah = find_sa(sas, n, in->bundle_spi, IPSECDRV_DIRECTION_IN,
			     IPSECDRV_PROTECTION_AH, &in->remote);
	if (ah)
		add_suite(negotiate, ah, &install);
	add_suite(negotiate, in, &install);
	*ret_install = install;
}

/* Which of the pair's associations the driver has. */
static unsigned int find_present(const struct pair *pair, size_t suite, const struct kernel_sa *sas,
				 size_t n)
{
	const struct ike_sa_suite *s = &pair->install.suites[suite];
	enum ipsecdrv_protection protection = translate_protection(s->suite.protocol);
	const struct ip_addr *remote = &pair->install.path.remote;
	unsigned int present = 0;

	if (find_sa(sas, n, s->spi_in, IPSECDRV_DIRECTION_IN, protection, remote))
		present |= IKE_DIRECTION_IN;
	if (find_sa(sas, n, s->spi_out, IPSECDRV_DIRECTION_OUT, protection, remote))
		present |= IKE_DIRECTION_OUT;
	return present;
}

/* Associations that went while nobody told us; IKE does not know either. */
static void drop_missing(struct negotiate *negotiate, const struct kernel_sa *sas, size_t n)
{
	struct pair *next;

	for (struct pair *pair = negotiate->pairs; pair; pair = next) {
		next = pair->next;
		for (size_t i = pair->install.n_suites; i-- > 0;) {
			unsigned int present = find_present(pair, i, sas, n);
			const struct ike_sa_suite *s = &pair->install.suites[i];
			unsigned int missing = pair->present[i] & ~present;
			struct kernel_sa sa = name_sa(&pair->install.path, s->suite.protocol,
						      IPSECDRV_DIRECTION_IN, s->spi_in);

			if (!missing)
				continue;
			if (!(missing & IKE_DIRECTION_IN)) {
				sa.direction = IPSECDRV_DIRECTION_OUT;
				sa.spi = s->spi_out;
			}
			negotiate_tell_expiry(negotiate, IKE_EXPIRE_HARD, &sa);
			pair->present[i] = present;
		}
		if (!(pair->present[0] | pair->present[1]))
			remove_pair(negotiate, pair);
	}
}

static bool is_inner(const struct kernel_sa *sas, size_t n, const struct kernel_sa *sa)
{
	for (size_t i = 0; i < n; i++)
		if (sas[i].direction == sa->direction && sas[i].bundle_spi == sa->spi &&
		    sa->protection == IPSECDRV_PROTECTION_AH)
			return true;
	return false;
}

static void read_pair(struct negotiate *negotiate, const struct kernel_sa *sas, size_t n,
		      const struct kernel_sa *sa)
{
	struct ike_sa_install install;
	struct pair *pair;
	size_t suite;

	if (sa->direction != IPSECDRV_DIRECTION_IN || !sa->has_selector ||
	    sa->state == IPSECDRV_SA_STATE_LARVAL || sa->state == IPSECDRV_SA_STATE_DEAD ||
	    is_inner(sas, n, sa))
		return;
	pair = pair_find_by_spi(negotiate, IKE_DIRECTION_IN, sa->spi, translate_protocol(sa->protection),
			   &sa->remote, &suite);
	if (!pair) {
		describe_pair(negotiate, sas, n, sa, &install);
		install.qm_id = ++negotiate->last_qm_id;
		pair = pair_add(negotiate, &install);
	}
	if (!pair)
		return;
	for (size_t i = 0; i < pair->install.n_suites; i++)
		pair->present[i] = find_present(pair, i, sas, n);
	pair->is_dying |= sa->state == IPSECDRV_SA_STATE_DYING;
}

void negotiate_read_pairs(struct negotiate *negotiate, const struct kernel_sa *sas, size_t n)
{
	drop_missing(negotiate, sas, n);
	for (size_t i = 0; i < n; i++)
		read_pair(negotiate, sas, n, &sas[i]);
}

/* --- IKE's memory ------------------------------------------------------------------------- */

void negotiate_known_qm(struct negotiate *negotiate, const struct ike_qm_info *info)
{
	size_t suite;
	struct pair *pair;

	if (!info->n_suites || !info->spi_in[0])
		return;
	pair = pair_find_by_spi(negotiate, IKE_DIRECTION_IN, info->spi_in[0], info->suites[0].protocol,
			   &info->path.remote, &suite);
	if (pair) {
		pair->install.is_initiator = info->is_initiator;
		pair->install.pfs_group = info->pfs_group;
		for (size_t i = 0; i < info->n_suites && i < pair->install.n_suites; i++)
			pair->install.suites[i].suite = info->suites[i];
		pair_set_known(negotiate, pair, info->qm_id);
	} else if (info->state == IKE_QM_STATE_ESTABLISHED) {
		struct kernel_sa sa = name_sa(&info->path, info->suites[0].protocol,
					      IPSECDRV_DIRECTION_IN, info->spi_in[0]);

		negotiate_tell_expiry(negotiate, IKE_EXPIRE_HARD, &sa);
	}
}

void negotiate_adopt_pairs(struct negotiate *negotiate)
{
	const struct negotiate_config *config = &negotiate->config;

	for (struct pair *pair = negotiate->pairs; pair; pair = pair->next) {
		const struct ike_sa_suite *s = &pair->install.suites[0];
		struct kernel_sa sa = name_sa(&pair->install.path, s->suite.protocol,
					      IPSECDRV_DIRECTION_IN, s->spi_in);

		if (pair->is_known)
			continue;
		/*
		 * half a pair can be adopted, too: the peer's deletion and the expiry clean it up
		 */
		pair->install.directions = pair->present[0];
		if (!pair->install.directions ||
		    config->ike.adopt_sa(config->userdata, &pair->install))
			continue;
		pair_set_known(negotiate, pair, pair->install.qm_id);
		if (pair->is_dying && negotiate_has_moved(negotiate, pair, RENEWAL_SECONDS))
			negotiate_tell_expiry(negotiate, IKE_EXPIRE_SOFT, &sa);
	}
}

/* --- for people --------------------------------------------------------------------------- */

const struct ike_sa_install *negotiate_find_pair(const struct negotiate *negotiate,
						 uint32_t spi_in)
{
	for (struct pair *pair = negotiate->pairs; pair; pair = pair->next)
		for (size_t i = 0; i < pair->install.n_suites; i++)
			if (pair->install.suites[i].spi_in == spi_in)
				return &pair->install;
	return NULL;
}

void negotiate_for_each_pair(const struct negotiate *negotiate,
			     void (*visit)(void *userdata, const struct ike_sa_install *install),
			     void *userdata)
{
	for (struct pair *pair = negotiate->pairs; pair; pair = pair->next)
		visit(userdata, &pair->install);
}

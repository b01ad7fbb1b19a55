/* SPDX-License-Identifier: MIT */
#ifndef IKE_MM_H
#define IKE_MM_H

#include "ike/blob.h"
#include "ike/core.h"
#include "ike/exchange.h"
#include "ike/keys.h"
#include "ike/natt.h"
#include "ike/proposal_mm.h"

/*
 * A main mode (ISAKMP SA), from message 1 as initiator or message 3 as responder on.
 *
 *   initiator                                 responder
 *   SENT_1 ----- message 2 ---> RECEIVED_2    (half_open) -- message 3 --> RECEIVED_3
 *   RECEIVED_2 -- DH, KE -----> SENT_3        RECEIVED_3 -- DH, KE ------> SENT_4
 *   SENT_3 ----- message 4 ---> RECEIVED_4    SENT_4 ------ message 5 ---> RECEIVED_5
 *   RECEIVED_4 -- DH, KEY, PROOF: SENT_5      RECEIVED_5 -- VERDICT, PROOF:
 *   SENT_5 ----- message 6 ---> RECEIVED_6       both have proved -------> ESTABLISHED
 *   RECEIVED_6 -- VERDICT:                       one has more to say ----> SENT_4
 *      both have proved ------> ESTABLISHED      bad proof --------------> DEAD
 *      one has more to say: PROOF -> SENT_5
 *
 * Capitals after a dash are steps (enum mm_step), each of which may have to wait for somebody
 * else's answer. In SENT_4 the responder does KEY while message 4 is on its way; message 5 waits
 * for that. In RECEIVED_6 the peer may already speak quick mode; that message waits too.
 *
 * Transitions are made by the files main_mode*.c through mm_set_state(), which checks them.
 *   negotiation != NULL   until ESTABLISHED or DEAD
 *   keys are complete     from SENT_5 and ESTABLISHED on; before that when has_keys
 *   step != NONE          in RECEIVED_n, and in SENT_4 until has_keys
 */

struct auth_ops;
struct mm_cert;
struct mm_gss;
struct dh_key;
struct reassembly;

/* What is being done, on our side of the wire. */
enum mm_step {
	MM_STEP_NONE,
	MM_STEP_DH,		/* our key pair, and g^xy if the peer's half is known (job.h) */
	MM_STEP_KE,		/* what messages 3 and 4 carry for the method */
	MM_STEP_KEY,		/* SKEYID and all that follows from it and g^xy */
	MM_STEP_PROOF,		/* our message 5 or 6 */
	MM_STEP_VERDICT,	/* the peer's */
};

/* Why a step failed; set by auth_fail(). */
struct mm_failure {
	enum ike_reason reason;
	char text[160];
};

/* What is needed until the main mode is established; freed at once then. */
struct mm_negotiation {
	struct blob sai_b;
	struct blob ni;
	struct blob nr;
	struct blob ke_i;
	struct blob ke_r;
	struct blob gxy;
	struct dh_key *dh;
	struct blob queued;		/* a message that came too early */
	struct ike_path queued_path;	/* and by which way */
	struct ike_path arrival;	/* of the message that is being judged */
	struct request request;		/* of the step */
	enum mm_step step;
	struct mm_failure failure;
	struct mm_cert *cert;		/* of the method */
	struct mm_gss *gss;
	struct ike_mm_policy *policy;	/* initiator's offer, for the log */
	uint16_t noted_notify;		/* error notify in clear, believed only at the end */
	enum ike_reason noted_reason;	/* what it says */
	uint8_t n_bad;			/* messages 5 or 6 that could not be decrypted */
	bool has_dos_cookie;		/* message 1 was repeated with the peer's cookie */
	bool has_answered;		/* anything at all came back */
	bool has_keys;
	bool has_proved;		/* we, by what is being sent */
	bool is_proved;			/* the peer */
	/* Said beside the proof, and as good as that. */
	bool has_initial_contact;
	uint32_t peer_life_seconds;	/* 0: nothing */
};

/*
 * Quick modes under way at a time that we start; and with those of the peer, which may begin the
 * next one while we still install the last.
 */
#define LIVE_QMS_MAX 32
#define LIVE_QMS_MAX_ALL 64

/* Message ids of phase 2 that were used; grows to its limit, then wraps. */
#define MM_IDS_MAX 256

struct mm_ids {
	uint32_t *ids;
	uint16_t n;
	uint16_t cap;
	uint16_t next;
};

struct ike_mm {
	struct table_node node;
	TAILQ_ENTRY(ike_mm) peer_link;
	TAILQ_ENTRY(ike_mm) dead_link;
	struct ike_peer *peer;
	uint64_t id;
	struct ike_path path;
	uint8_t icookie[WIRE_COOKIE_LEN];
	uint8_t rcookie[WIRE_COOKIE_LEN];
	enum ike_mm_state state;
	bool is_initiator;
	bool is_gone;			/* out of all indexes, to be freed */
	bool is_rekeyed;		/* a successor was started or exists */
	bool has_initial_contact;
	bool has_fragments;		/* the peer sends some */
	struct mm_choice choice;
	const struct auth_ops *auth;
	uint32_t vids;			/* of the peer */
	struct natt natt;
	uint32_t dpd_sequence;		/* last one of ours, and of the peer (dpd.c) */
	uint32_t dpd_peer_sequence;
	bool has_dpd_sequence;
	bool has_dpd_peer_sequence;
	uint32_t life_seconds;
	uint32_t qm_limit;
	uint32_t n_qm;
	uint32_t n_live_qm;
	uint64_t created_at;
	uint64_t established_at;
	struct mm_keys *keys;		/* secret memory */
	uint8_t iv[IKE_BLOCK_MAX_LEN];	/* last block of phase 1 so far */
	struct exchange_log log;
	struct reassembly *reassembly;	/* of what comes in fragments, or NULL */
	struct timer timer;		/* negotiation; later the answer cache and deletion */
	struct timer life;
	struct mm_ids used_ids;
	char *local_name;		/* NULL: the address */
	char *remote_name;
	char *authority;
	struct mm_negotiation *negotiation;
};

/*
 * A new main mode in @peer's list and the index, or NULL. Cookies and state are set; negotiation
 * is there and empty.
 */
struct ike_mm *mm_new(struct ike_engine *engine, struct ike_peer *peer,
		      const struct ike_path *path, bool is_initiator, const uint8_t *icookie);
/* By cookies and addresses; an initiator's one without responder cookie yet matches any. */
struct ike_mm *mm_find(const struct ike_engine *engine, const struct ike_path *path,
		       const struct wire_header *header);
/* Some main mode with that peer has the initiator cookie. */
bool mm_has_icookie(const struct ike_engine *engine, const struct ike_path *path,
		    const uint8_t *icookie);
void mm_set_state(struct ike_mm *mm, enum ike_mm_state state);
bool mm_is_established(const struct ike_mm *mm);
/* Can carry another quick mode. */
bool mm_is_usable(const struct ike_mm *mm);

/* Out of everything; freed when the running call ends. Nothing is sent or reported. */
void mm_unlink(struct ike_engine *engine, struct ike_mm *mm);
void mm_free(struct ike_mm *mm);
void mm_free_negotiation(struct ike_engine *engine, struct ike_mm *mm);

/* The negotiation is over without success: reports, tells waiting quick modes, removes. */
void mm_fail(struct ike_engine *engine, struct ike_mm *mm, enum ike_reason reason,
	     bool is_at_peer, const char *format, ...) __attribute__((format(printf, 5, 6)));
/* An established main mode ends; @tell_peer sends a delete. Its children stay. */
void mm_remove(struct ike_engine *engine, struct ike_mm *mm, enum ike_reason reason,
	       bool tell_peer);
/* Everything is proved: lifetimes, events, quick modes that wait. */
void mm_establish(struct ike_engine *engine, struct ike_mm *mm);
/* The peer says that it knows nothing of earlier times. */
void mm_initial_contact(struct ike_engine *engine, struct ike_mm *mm);

struct mm_transcript mm_transcript(const struct ike_mm *mm);
/* Header of a message under this main mode. */
struct wire_header mm_header(const struct ike_mm *mm, uint8_t exchange, uint8_t flags,
			     uint32_t message_id);

/* False if the id was used before; zero never is good. */
bool mm_is_id_fresh(const struct ike_mm *mm, uint32_t message_id);
int mm_use_id(struct ike_mm *mm, uint32_t message_id);
/* A random id that was not used, marked as used; 0 on failure. */
uint32_t mm_new_id(struct ike_engine *engine, struct ike_mm *mm);

void mm_get_info(const struct ike_engine *engine, const struct ike_mm *mm,
		 struct ike_mm_info *ret_info);

#endif

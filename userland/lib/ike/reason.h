/* SPDX-License-Identifier: MIT */
#ifndef IKE_REASON_H
#define IKE_REASON_H

/*
 * Why a negotiation failed or an SA went away: the error numbers that Windows puts into event 547
 * and into NOTIFY_STATUS. Only those that the engine uses.
 */
enum ike_reason {
	IKE_REASON_OK = 0,
	IKE_REASON_CREDENTIALS = 13801,		/* authentication failed */
	IKE_REASON_ATTRIBUTES = 13802,		/* no common proposal */
	IKE_REASON_GENERAL = 13804,
	IKE_REASON_TIMED_OUT = 13805,		/* the peer stopped answering */
	IKE_REASON_DELETED_BY_PEER = 13807,	/* before it was complete */
	IKE_REASON_DELETED = 13808,		/* by us, before it was complete */
	IKE_REASON_NO_RESPONSE = 13813,		/* not one answer */
	IKE_REASON_INVALID_HEADER = 13824,
	IKE_REASON_NO_POLICY = 13825,
	IKE_REASON_INVALID_PAYLOAD = 13843,
	IKE_REASON_POLICY_CHANGE = 13849,
	IKE_REASON_NO_MM_POLICY = 13850,
	IKE_REASON_NO_SPI = 13857,
	IKE_REASON_NO_MEMORY = 13859,
	IKE_REASON_ADD_SA = 13860,		/* the driver refused the SA */
	IKE_REASON_INVALID_POLICY = 13861,
	IKE_REASON_DH = 13864,
	IKE_REASON_INVALID_GROUP = 13865,
	IKE_REASON_ENCRYPT = 13866,
	IKE_REASON_DECRYPT = 13867,
	IKE_REASON_POLICY_MATCH = 13868,	/* the peer's selectors or offers are not ours */
	IKE_REASON_UNSUPPORTED_ID = 13869,
	IKE_REASON_INVALID_HASH = 13870,
	IKE_REASON_DELETED_BY_ADMIN = 13877,
	IKE_REASON_QM_LIMIT = 13884,
	IKE_REASON_EXPIRED = 13885,
	IKE_REASON_PEER_LOST = 13886,		/* the peer restarted or stopped responding */
	IKE_REASON_SHUTTING_DOWN = 13891,
};

/* "no response from peer" and so on, without a full stop; never NULL. */
const char *ike_reason_text(enum ike_reason reason);

#endif

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
	IKE_REASON_NO_CERTIFICATE = 13806,	/* none of ours is fit */
	IKE_REASON_DELETED_BY_PEER = 13807,	/* before it was complete */
	IKE_REASON_DELETED = 13808,		/* by us, before it was complete */
	IKE_REASON_NO_RESPONSE = 13813,		/* not one answer */
	IKE_REASON_REVOKED = 13817,		/* our own certificate */
	IKE_REASON_KEY_USAGE = 13818,		/* the certificate is not for signatures */
	IKE_REASON_CERT_TYPE = 13819,		/* its key is of another kind than the method */
	IKE_REASON_NO_PRIVATE_KEY = 13820,
	IKE_REASON_INVALID_HEADER = 13824,
	IKE_REASON_NO_POLICY = 13825,
	IKE_REASON_SIGNATURE = 13826,
	IKE_REASON_KERBEROS = 13827,
	IKE_REASON_NO_PUBLIC_KEY = 13828,	/* none that may be used, in the peer's certificate */
	IKE_REASON_INVALID_PAYLOAD = 13843,
	IKE_REASON_NO_PEER_CERTIFICATE = 13847,
	IKE_REASON_PEER_CRL = 13848,		/* revoked, or not known not to be */
	IKE_REASON_POLICY_CHANGE = 13849,
	IKE_REASON_NO_MM_POLICY = 13850,
	IKE_REASON_NO_KERBEROS = 13855,		/* this machine has no credential */
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
	IKE_REASON_KEY_TOO_SHORT = 13881,
	IKE_REASON_QM_LIMIT = 13884,
	IKE_REASON_EXPIRED = 13885,
	IKE_REASON_PEER_LOST = 13886,		/* the peer restarted or stopped responding */
	IKE_REASON_NOT_IN_POLICY = 13887,	/* the peer's certificate is of no CA of the rule */
	IKE_REASON_SHUTTING_DOWN = 13891,
};

/* "no response from peer" and so on, without a full stop; never NULL. */
const char *ike_reason_text(enum ike_reason reason);

#endif

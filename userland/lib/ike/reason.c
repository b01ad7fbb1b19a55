// SPDX-License-Identifier: MIT
#include "ike/reason.h"

const char *ike_reason_text(enum ike_reason reason)
{
	switch (reason) {
	case IKE_REASON_OK:
		return "success";
	case IKE_REASON_CREDENTIALS:
		return "authentication failed";
	case IKE_REASON_ATTRIBUTES:
		return "no proposal in common";
	case IKE_REASON_GENERAL:
		return "processing error";
	case IKE_REASON_TIMED_OUT:
		return "negotiation timed out";
	case IKE_REASON_NO_CERTIFICATE:
		return "no valid machine certificate";
	case IKE_REASON_DELETED_BY_PEER:
		return "deleted by the peer before it was complete";
	case IKE_REASON_DELETED:
		return "deleted before it was complete";
	case IKE_REASON_NO_RESPONSE:
		return "no response from peer";
	case IKE_REASON_REVOKED:
		return "our certificate has been revoked";
	case IKE_REASON_KEY_USAGE:
		return "the certificate is not for signatures";
	case IKE_REASON_CERT_TYPE:
		return "a certificate of the wrong type";
	case IKE_REASON_NO_PRIVATE_KEY:
		return "no private key for the certificate";
	case IKE_REASON_INVALID_HEADER:
		return "invalid header";
	case IKE_REASON_NO_POLICY:
		return "no policy configured";
	case IKE_REASON_SIGNATURE:
		return "the signature is wrong";
	case IKE_REASON_KERBEROS:
		return "Kerberos failed";
	case IKE_REASON_NO_PUBLIC_KEY:
		return "no usable public key in the peer's certificate";
	case IKE_REASON_INVALID_PAYLOAD:
		return "invalid payload";
	case IKE_REASON_NO_PEER_CERTIFICATE:
		return "no valid certificate from the peer";
	case IKE_REASON_PEER_CRL:
		return "the peer's certificate did not pass the revocation check";
	case IKE_REASON_POLICY_CHANGE:
		return "policy changed";
	case IKE_REASON_NO_MM_POLICY:
		return "no main mode policy";
	case IKE_REASON_NO_KERBEROS:
		return "no Kerberos credential for this machine";
	case IKE_REASON_NO_SPI:
		return "no SPI from the driver";
	case IKE_REASON_NO_MEMORY:
		return "out of memory";
	case IKE_REASON_ADD_SA:
		return "the driver did not take the SA";
	case IKE_REASON_INVALID_POLICY:
		return "invalid policy";
	case IKE_REASON_DH:
		return "Diffie-Hellman failure";
	case IKE_REASON_INVALID_GROUP:
		return "invalid Diffie-Hellman group";
	case IKE_REASON_ENCRYPT:
		return "encryption failed";
	case IKE_REASON_DECRYPT:
		return "decryption failed";
	case IKE_REASON_POLICY_MATCH:
		return "no match with policy";
	case IKE_REASON_UNSUPPORTED_ID:
		return "unsupported identity";
	case IKE_REASON_INVALID_HASH:
		return "invalid hash";
	case IKE_REASON_DELETED_BY_ADMIN:
		return "deleted on request";
	case IKE_REASON_KEY_TOO_SHORT:
		return "key too short";
	case IKE_REASON_QM_LIMIT:
		return "quick mode limit reached";
	case IKE_REASON_EXPIRED:
		return "expired or deleted";
	case IKE_REASON_PEER_LOST:
		return "the peer has lost its state or stopped responding";
	case IKE_REASON_NOT_IN_POLICY:
		return "the peer's certificate is not from a CA of the policy";
	case IKE_REASON_SHUTTING_DOWN:
		return "shutting down";
	}
	return "unknown error";
}

/* SPDX-License-Identifier: MIT */
#ifndef LINK_MESSAGE_CHECKS_H
#define LINK_MESSAGE_CHECKS_H

/*
 * What only several fields of a message together can tell, once each is within its bounds: the "check"
 * of a struct codec_type. Receiver and sender check alike. 0 or -EBADMSG. Inside lib/link only.
 */

/* RFC 4301 reserves SPIs 1 to 255; 0 means "none" where that is allowed. */
#define MESSAGE_SPI_MIN 256
/* Error numbers of Windows, see ike/reason.h. */
#define MESSAGE_REASON_MIN 13801
#define MESSAGE_REASON_MAX 13899

int message_check_path(const void *object);
int message_check_selector(const void *object);
int message_check_mm_proposal(const void *object);
int message_check_suite(const void *object);
int message_check_qm_offer(const void *object);
int message_check_sa_suite(const void *object);
int message_check_install(const void *object);
int message_check_add_sa(const void *object);
int message_check_adopt_sa(const void *object);
int message_check_sa_ref(const void *object);
int message_check_mm_info(const void *object);
int message_check_event(const void *object);
int message_check_keylog(const void *object);
int message_check_acquire_result(const void *object);
int message_check_sa_id(const void *object);
int message_check_filter_ref(const void *object);
int message_check_flush(const void *object);
int message_check_peer_ref(const void *object);
int message_check_certificate_request(const void *object);
int message_check_certificate(const void *object);
int message_check_signature_request(const void *object);
int message_check_signature(const void *object);
int message_check_proof_request(const void *object);
int message_check_proof(const void *object);
int message_check_gss_token(const void *object);
int message_check_gss_result(const void *object);
int message_check_credential(const void *object);
int message_check_credential_rule(const void *object);
int message_check_credentials(const void *object);

#endif

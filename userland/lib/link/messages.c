// SPDX-License-Identifier: MIT
/*
 * The tables behind link/messages.h: each struct that travels, field by field with its bounds. What
 * only several fields together can tell is in message_checks.c.
 */
#include "link/messages.h"

#include "link/codec.h"
#include "link/message_checks.h"
#include "link/method.h"

#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))
#define WIDTH(object, member) sizeof(((object *)NULL)->member)

#define UINT(object, member, least, most)                                                 \
	{ .name = #member, .kind = CODEC_UINT, .offset = offsetof(object, member),        \
	  .width = WIDTH(object, member), .min = (least), .max = (most) }
#define ANY(object, member)                                                               \
	UINT(object, member, 0, WIDTH(object, member) == 8 ? UINT64_MAX :                 \
	     (UINT64_C(1) << (8 * (WIDTH(object, member) & 7))) - 1)
#define ENUM(object, member, count) UINT(object, member, 0, (count) - 1)
#define BOOL(object, member)                                                              \
	{ .name = #member, .kind = CODEC_BOOL, .offset = offsetof(object, member) }
#define ADDR(object, member)                                                              \
	{ .name = #member, .kind = CODEC_ADDR, .offset = offsetof(object, member), .min = 1 }
#define ADDR_OR_NONE(object, member)                                                      \
	{ .name = #member, .kind = CODEC_ADDR, .offset = offsetof(object, member) }
#define SIZED(kind_, object, member, len_member, least, most, type_)                      \
	{ .name = #member, .kind = kind_, .offset = offsetof(object, member),             \
	  .len_offset = offsetof(object, len_member), .min = (least), .max = (most),      \
	  .type = type_ }
#define BYTES(object, member, len_member, least)                                          \
	SIZED(CODEC_BYTES, object, member, len_member, least, WIDTH(object, member), NULL)
#define HEAP_BYTES(object, member, len_member, least, most)                               \
	SIZED(CODEC_HEAP_BYTES, object, member, len_member, least, most, NULL)
#define TEXT(object, member, most)                                                        \
	{ .name = #member, .kind = CODEC_TEXT, .offset = offsetof(object, member),        \
	  .max = (most) }
#define OPTIONAL_TEXT(object, member, most)                                               \
	{ .name = #member, .kind = CODEC_OPTIONAL_TEXT,                                   \
	  .offset = offsetof(object, member), .max = (most) }
#define STRUCT(object, member, type_)                                                     \
	{ .name = #member, .kind = CODEC_STRUCT, .offset = offsetof(object, member),      \
	  .type = &(type_) }
#define ARRAY(object, member, len_member, least, most, type_)                             \
	SIZED(CODEC_ARRAY, object, member, len_member, least, most, &(type_))
#define HEAP_ARRAY(object, member, len_member, least, most, type_)                        \
	SIZED(CODEC_HEAP_ARRAY, object, member, len_member, least, most, &(type_))
#define OPTIONAL(object, member, type_)                                                   \
	{ .name = #member, .kind = CODEC_OPTIONAL, .offset = offsetof(object, member),    \
	  .max = 1, .type = &(type_) }

/* A table for @object under the name type_@id; @check_ may be NULL. */
#define TYPE(id, object, check_, ...)                                                     \
	static const struct codec_field fields_##id[] = { __VA_ARGS__ };                  \
	static const struct codec_type type_##id = {                                      \
		.name = #id, .size = sizeof(object), .fields = fields_##id,               \
		.n_fields = ARRAY_LEN(fields_##id), .check = check_,                      \
	}

/* --- structs ------------------------------------------------------------------------------ */

TYPE(path, struct ike_path, message_check_path,
     ADDR(struct ike_path, local),
     ADDR(struct ike_path, remote),
     ANY(struct ike_path, local_port),
     ANY(struct ike_path, remote_port),
     ANY(struct ike_path, scope));

TYPE(selector, struct ike_selector, message_check_selector,
     ADDR(struct ike_selector, local),
     ADDR(struct ike_selector, remote),
     ANY(struct ike_selector, local_prefix),
     ANY(struct ike_selector, remote_prefix),
     ANY(struct ike_selector, protocol),
     ANY(struct ike_selector, local_port),
     ANY(struct ike_selector, remote_port));

#define MM_PROPOSAL_FIELDS                                          \
	ENUM(struct ike_mm_proposal, cipher, IKE_CIPHER_COUNT),     \
	UINT(struct ike_mm_proposal, key_bits, 0, 256),             \
	ENUM(struct ike_mm_proposal, hash, IKE_HASH_COUNT),         \
	ANY(struct ike_mm_proposal, group)

TYPE(mm_proposal, struct ike_mm_proposal, message_check_mm_proposal, MM_PROPOSAL_FIELDS);
/* In ike_mm_info, where it may be missing. */
TYPE(mm_proposal_or_none, struct ike_mm_proposal, NULL, MM_PROPOSAL_FIELDS);

struct auth_element {
	enum ike_auth auth;
};

TYPE(auth, struct auth_element, NULL,
     UINT(struct auth_element, auth, IKE_AUTH_PSK, IKE_AUTH_COUNT - 1));

TYPE(mm_policy, struct ike_mm_policy, NULL,
     ARRAY(struct ike_mm_policy, proposals, n_proposals, 1, IKE_MM_PROPOSALS_MAX,
	   type_mm_proposal),
     ARRAY(struct ike_mm_policy, auth, n_auth, 1, IKE_AUTH_METHODS_MAX, type_auth),
     ANY(struct ike_mm_policy, life_seconds),
     ANY(struct ike_mm_policy, qm_limit),
     BOOL(struct ike_mm_policy, gives_up_early),
     OPTIONAL_TEXT(struct ike_mm_policy, gss_name, IKE_GSS_NAME_MAX_LEN));

TYPE(suite, struct ike_suite, message_check_suite,
     UINT(struct ike_suite, protocol, IKE_PROTOCOL_AH, IKE_PROTOCOL_ESP),
     ENUM(struct ike_suite, cipher, IKE_CIPHER_COUNT),
     UINT(struct ike_suite, key_bits, 0, 256),
     ENUM(struct ike_suite, hash, IKE_HASH_COUNT));

TYPE(qm_offer, struct ike_qm_offer, message_check_qm_offer,
     ARRAY(struct ike_qm_offer, suites, n_suites, 1, IKE_SUITES_MAX, type_suite),
     ANY(struct ike_qm_offer, life_seconds),
     ANY(struct ike_qm_offer, life_kbytes),
     ANY(struct ike_qm_offer, pfs_group));

TYPE(qm_policy, struct ike_qm_policy, NULL,
     ANY(struct ike_qm_policy, filter_id),
     ENUM(struct ike_qm_policy, encapsulation, IKE_ENCAPSULATION_TUNNEL + 1),
     ARRAY(struct ike_qm_policy, offers, n_offers, 1, IKE_QM_OFFERS_MAX, type_qm_offer));

TYPE(qm_query, struct ike_qm_query, NULL,
     STRUCT(struct ike_qm_query, path, type_path),
     STRUCT(struct ike_qm_query, selector, type_selector),
     BOOL(struct ike_qm_query, is_initiator),
     ANY(struct ike_qm_query, icookie),
     ANY(struct ike_qm_query, rcookie),
     ENUM(struct ike_qm_query, auth, IKE_AUTH_COUNT));

TYPE(spi_request, struct ike_spi_request, NULL,
     STRUCT(struct ike_spi_request, path, type_path),
     UINT(struct ike_spi_request, protocol, IKE_PROTOCOL_AH, IKE_PROTOCOL_ESP),
     ANY(struct ike_spi_request, acquire_id));

TYPE(psk_request, struct ike_psk_request, NULL,
     STRUCT(struct ike_psk_request, path, type_path),
     BOOL(struct ike_psk_request, is_initiator),
     UINT(struct ike_psk_request, hash, IKE_HASH_MD5, IKE_HASH_COUNT - 1),
     HEAP_BYTES(struct ike_psk_request, ni, ni_len, LINK_NONCE_MIN_LEN, IKE_NONCE_MAX_LEN),
     HEAP_BYTES(struct ike_psk_request, nr, nr_len, LINK_NONCE_MIN_LEN, IKE_NONCE_MAX_LEN));

TYPE(keys, struct ike_keys, NULL,
     BYTES(struct ike_keys, cipher_key, cipher_key_len, 0),
     BYTES(struct ike_keys, hash_key, hash_key_len, 0));

TYPE(sa_suite, struct ike_sa_suite, message_check_sa_suite,
     STRUCT(struct ike_sa_suite, suite, type_suite),
     UINT(struct ike_sa_suite, spi_in, MESSAGE_SPI_MIN, UINT32_MAX),
     ANY(struct ike_sa_suite, spi_out),
     STRUCT(struct ike_sa_suite, in, type_keys),
     STRUCT(struct ike_sa_suite, out, type_keys));

#define INSTALL_FIELDS                                                                    \
	ANY(struct ike_sa_install, qm_id),                                                \
	UINT(struct ike_sa_install, directions, 1, IKE_DIRECTION_IN | IKE_DIRECTION_OUT), \
	BOOL(struct ike_sa_install, is_initiator),                                        \
	STRUCT(struct ike_sa_install, path, type_path),                                   \
	BOOL(struct ike_sa_install, is_in_udp),                                           \
	BOOL(struct ike_sa_install, is_behind_nat),                                       \
	BOOL(struct ike_sa_install, is_peer_behind_nat),                                  \
	STRUCT(struct ike_sa_install, selector, type_selector),                           \
	ENUM(struct ike_sa_install, encapsulation, IKE_ENCAPSULATION_TUNNEL + 1),         \
	ARRAY(struct ike_sa_install, suites, n_suites, 1, IKE_SUITES_MAX, type_sa_suite), \
	ANY(struct ike_sa_install, life_seconds),                                         \
	ANY(struct ike_sa_install, soft_seconds),                                         \
	ANY(struct ike_sa_install, life_bytes),                                           \
	ANY(struct ike_sa_install, soft_bytes),                                           \
	ANY(struct ike_sa_install, soft_bytes_in),                                        \
	ANY(struct ike_sa_install, idle_seconds),                                         \
	ANY(struct ike_sa_install, pfs_group),                                            \
	ANY(struct ike_sa_install, filter_id),                                            \
	ANY(struct ike_sa_install, acquire_id),                                           \
	ANY(struct ike_sa_install, replaces_qm_id)

TYPE(add_sa, struct ike_sa_install, message_check_add_sa, INSTALL_FIELDS);
TYPE(adopt_sa, struct ike_sa_install, message_check_adopt_sa, INSTALL_FIELDS);
TYPE(install, struct ike_sa_install, message_check_install, INSTALL_FIELDS);

TYPE(sa_ref, struct ike_sa_ref, message_check_sa_ref,
     ANY(struct ike_sa_ref, qm_id),
     STRUCT(struct ike_sa_ref, path, type_path),
     UINT(struct ike_sa_ref, protocol, IKE_PROTOCOL_AH, IKE_PROTOCOL_ESP),
     ANY(struct ike_sa_ref, spi_in),
     ANY(struct ike_sa_ref, spi_out));

TYPE(mm_info, struct ike_mm_info, message_check_mm_info,
     ANY(struct ike_mm_info, mm_id),
     ANY(struct ike_mm_info, icookie),
     ANY(struct ike_mm_info, rcookie),
     STRUCT(struct ike_mm_info, path, type_path),
     BOOL(struct ike_mm_info, is_initiator),
     ENUM(struct ike_mm_info, state, IKE_MM_STATE_COUNT),
     BOOL(struct ike_mm_info, has_proposal),
     STRUCT(struct ike_mm_info, proposal, type_mm_proposal_or_none),
     ENUM(struct ike_mm_info, auth, IKE_AUTH_COUNT),
     ANY(struct ike_mm_info, life_seconds),
     ANY(struct ike_mm_info, age_ms),
     ANY(struct ike_mm_info, n_qm),
     ANY(struct ike_mm_info, qm_limit),
     ADDR_OR_NONE(struct ike_mm_info, local_id),
     ADDR_OR_NONE(struct ike_mm_info, remote_id),
     OPTIONAL_TEXT(struct ike_mm_info, local_name, IKE_NAME_MAX_LEN),
     OPTIONAL_TEXT(struct ike_mm_info, remote_name, IKE_NAME_MAX_LEN),
     OPTIONAL_TEXT(struct ike_mm_info, authority, IKE_NAME_MAX_LEN));

TYPE(qm_info, struct ike_qm_info, NULL,
     ANY(struct ike_qm_info, qm_id),
     STRUCT(struct ike_qm_info, path, type_path),
     BOOL(struct ike_qm_info, is_initiator),
     ENUM(struct ike_qm_info, state, IKE_QM_STATE_COUNT),
     STRUCT(struct ike_qm_info, selector, type_selector),
     ENUM(struct ike_qm_info, encapsulation, IKE_ENCAPSULATION_TUNNEL + 1),
     ARRAY(struct ike_qm_info, suites, n_suites, 0, IKE_SUITES_MAX, type_suite),
     ANY(struct ike_qm_info, spi_in[0]),
     ANY(struct ike_qm_info, spi_in[1]),
     ANY(struct ike_qm_info, spi_out[0]),
     ANY(struct ike_qm_info, spi_out[1]),
     ANY(struct ike_qm_info, life_seconds),
     ANY(struct ike_qm_info, life_kbytes),
     ANY(struct ike_qm_info, pfs_group),
     ANY(struct ike_qm_info, filter_id),
     ANY(struct ike_qm_info, age_ms));

_Static_assert(IKE_SUITES_MAX == 2, "qm_info names both elements");

TYPE(mismatch, struct ike_mismatch, NULL,
     TEXT(struct ike_mismatch, attribute, LINK_MISMATCH_MAX_LEN),
     TEXT(struct ike_mismatch, expected, LINK_MISMATCH_MAX_LEN),
     TEXT(struct ike_mismatch, received, LINK_MISMATCH_MAX_LEN));

TYPE(event, struct ike_event, message_check_event,
     ENUM(struct ike_event, kind, IKE_EVENT_COUNT),
     STRUCT(struct ike_event, path, type_path),
     UINT(struct ike_event, reason, 0, MESSAGE_REASON_MAX),
     BOOL(struct ike_event, failed_at_peer),
     TEXT(struct ike_event, text, LINK_TEXT_MAX_LEN),
     OPTIONAL(struct ike_event, mm, type_mm_info),
     OPTIONAL(struct ike_event, qm, type_qm_info),
     OPTIONAL(struct ike_event, mismatch, type_mismatch),
     ANY(struct ike_event, suppressed));

TYPE(trace_line, struct link_trace_line, NULL,
     TEXT(struct link_trace_line, text, IKE_TRACE_MAX_LEN));

TYPE(trace, struct link_trace, NULL,
     HEAP_ARRAY(struct link_trace, lines, n_lines, 1, LINK_TRACE_LINES_MAX, type_trace_line),
     ANY(struct link_trace, dropped));

TYPE(keylog, struct ike_keylog, message_check_keylog,
     ENUM(struct ike_keylog, kind, IKE_KEYLOG_QM + 1),
     ANY(struct ike_keylog, icookie),
     ANY(struct ike_keylog, rcookie),
     ENUM(struct ike_keylog, cipher, IKE_CIPHER_COUNT),
     HEAP_BYTES(struct ike_keylog, cipher_key, cipher_key_len, 0, IKE_CIPHER_KEY_MAX_LEN),
     OPTIONAL(struct ike_keylog, install, type_install));

TYPE(hello, struct link_hello, NULL,
     ANY(struct link_hello, version),
     ANY(struct link_hello, instance));

TYPE(ike_config, struct link_ike_config, NULL,
     BOOL(struct link_ike_config, keylog),
     ENUM(struct link_ike_config, dos_mode, IKE_DOS_ALWAYS + 1),
     ENUM(struct link_ike_config, trace, IKE_TRACE_COUNT),
     UINT(struct link_ike_config, log_level, 0, 7));

TYPE(policy_mm_query, struct link_policy_mm_query, NULL,
     STRUCT(struct link_policy_mm_query, path, type_path),
     BOOL(struct link_policy_mm_query, is_initiator),
     ANY(struct link_policy_mm_query, active_seconds));

TYPE(spi, struct link_spi, NULL,
     UINT(struct link_spi, spi, MESSAGE_SPI_MIN, UINT32_MAX));

TYPE(acquire_result, struct link_acquire_result, message_check_acquire_result,
     UINT(struct link_acquire_result, acquire_id, 1, UINT64_MAX),
     UINT(struct link_acquire_result, reason, 0, MESSAGE_REASON_MAX),
     BOOL(struct link_acquire_result, peer_answered));

TYPE(acquire, struct ike_acquire, NULL,
     UINT(struct ike_acquire, id, 1, UINT64_MAX),
     STRUCT(struct ike_acquire, path, type_path),
     STRUCT(struct ike_acquire, selector, type_selector),
     STRUCT(struct ike_acquire, mm, type_mm_policy),
     STRUCT(struct ike_acquire, qm, type_qm_policy));

TYPE(acquire_ref, struct link_acquire_ref, NULL,
     UINT(struct link_acquire_ref, acquire_id, 1, UINT64_MAX));

TYPE(expire, struct link_expire, NULL,
     ENUM(struct link_expire, kind, IKE_EXPIRE_SILENT + 1),
     UINT(struct link_expire, direction, IKE_DIRECTION_IN, IKE_DIRECTION_OUT),
     ADDR(struct link_expire, remote),
     UINT(struct link_expire, protocol, IKE_PROTOCOL_AH, IKE_PROTOCOL_ESP),
     UINT(struct link_expire, spi, MESSAGE_SPI_MIN, UINT32_MAX));

TYPE(peer_ref, struct link_peer_ref, message_check_peer_ref,
     ADDR(struct link_peer_ref, local),
     ADDR(struct link_peer_ref, remote),
     UINT(struct link_peer_ref, reason, 0, MESSAGE_REASON_MAX));

TYPE(sa_id, struct link_sa_id, message_check_sa_id,
     ANY(struct link_sa_id, id),
     UINT(struct link_sa_id, reason, 0, MESSAGE_REASON_MAX));

TYPE(filter_ref, struct link_filter_ref, message_check_filter_ref,
     ANY(struct link_filter_ref, filter_id),
     UINT(struct link_filter_ref, reason, 0, MESSAGE_REASON_MAX));

TYPE(flush, struct link_flush, message_check_flush,
     UINT(struct link_flush, reason, 0, MESSAGE_REASON_MAX));

TYPE(page, struct link_page, NULL,
     ANY(struct link_page, skip),
     UINT(struct link_page, limit, 1, LINK_PAGE_MAX));

TYPE(mm_list, struct link_mm_list, NULL,
     HEAP_ARRAY(struct link_mm_list, items, n_items, 0, LINK_PAGE_MAX, type_mm_info));

TYPE(qm_list, struct link_qm_list, NULL,
     HEAP_ARRAY(struct link_qm_list, items, n_items, 0, LINK_PAGE_MAX, type_qm_info));

#define COUNTER(member) ANY(struct ike_stats, member)

TYPE(stats, struct ike_stats, NULL,
     COUNTER(active_acquire), COUNTER(active_receive), COUNTER(acquire_failures),
     COUNTER(receive_failures), COUNTER(send_failures), COUNTER(acquire_heap_size),
     COUNTER(receive_heap_size), COUNTER(authentication_failures),
     COUNTER(negotiation_failures), COUNTER(invalid_cookies), COUNTER(total_acquire),
     COUNTER(total_get_spi), COUNTER(key_additions), COUNTER(key_updates),
     COUNTER(get_spi_failures), COUNTER(key_addition_failures), COUNTER(key_update_failures),
     COUNTER(isadb_list_size), COUNTER(connection_list_size), COUNTER(main_modes),
     COUNTER(quick_modes), COUNTER(soft_associations), COUNTER(invalid_packets),
     COUNTER(packets_received), COUNTER(packets_sent), COUNTER(retransmissions),
     COUNTER(duplicates_answered), COUNTER(duplicates_ignored), COUNTER(half_open),
     COUNTER(half_open_bytes), COUNTER(half_open_evicted), COUNTER(rate_limited),
     COUNTER(cookie_challenges), COUNTER(unauthenticated_notifies),
     COUNTER(unauthenticated_deletes), COUNTER(bad_message_5), COUNTER(dh_operations),
     COUNTER(rekeys), COUNTER(messages_fragmented), COUNTER(messages_reassembled));

_Static_assert(sizeof(struct ike_stats) == ARRAY_LEN(fields_stats) * sizeof(uint64_t),
	       "a counter is missing in the table");

TYPE(skeyid, struct link_skeyid, NULL,
     BYTES(struct link_skeyid, bytes, len, 16));

/* A struct bytes that travels in another struct, or in an array. */
#define VIEW(object, member, least, most) \
	HEAP_BYTES(object, member.data, member.len, least, most)

TYPE(authority, struct bytes, NULL,
     HEAP_BYTES(struct bytes, data, len, 0, IKE_AUTHORITY_MAX_LEN));

TYPE(certificate_der, struct bytes, NULL,
     HEAP_BYTES(struct bytes, data, len, 1, IKE_CERT_MAX_LEN));

TYPE(authorities_request, struct ike_authorities_request, NULL,
     STRUCT(struct ike_authorities_request, path, type_path),
     BOOL(struct ike_authorities_request, is_initiator));

TYPE(authorities, struct ike_authorities, NULL,
     HEAP_ARRAY(struct ike_authorities, names, n_names, 0, IKE_AUTHORITIES_MAX, type_authority));

TYPE(certificate_request, struct ike_certificate_request, message_check_certificate_request,
     STRUCT(struct ike_certificate_request, path, type_path),
     BOOL(struct ike_certificate_request, is_initiator),
     ENUM(struct ike_certificate_request, auth, IKE_AUTH_COUNT),
     HEAP_ARRAY(struct ike_certificate_request, authorities, n_authorities, 0,
		IKE_AUTHORITIES_MAX, type_authority));

TYPE(certificate, struct ike_certificate, message_check_certificate,
     UINT(struct ike_certificate, reason, 0, MESSAGE_REASON_MAX),
     BYTES(struct ike_certificate, fingerprint, fingerprint_len, 0),
     VIEW(struct ike_certificate, subject, 0, IKE_ID_MAX_LEN),
     TEXT(struct ike_certificate, name, IKE_NAME_MAX_LEN),
     HEAP_ARRAY(struct ike_certificate, chain, n_chain, 0, IKE_CERTS_MAX, type_certificate_der));

TYPE(signature_request, struct ike_signature_request, message_check_signature_request,
     STRUCT(struct ike_signature_request, path, type_path),
     ENUM(struct ike_signature_request, auth, IKE_AUTH_COUNT),
     BYTES(struct ike_signature_request, fingerprint, fingerprint_len, IKE_FINGERPRINT_LEN),
     BYTES(struct ike_signature_request, hash, hash_len, 16));

TYPE(signature, struct ike_signature, message_check_signature,
     UINT(struct ike_signature, reason, 0, MESSAGE_REASON_MAX),
     BYTES(struct ike_signature, bytes, len, 0));

TYPE(peer_cert, struct ike_peer_cert, NULL,
     ANY(struct ike_peer_cert, encoding),
     VIEW(struct ike_peer_cert, der, 1, IKE_CERT_MAX_LEN));

TYPE(proof_request, struct ike_proof_request, message_check_proof_request,
     STRUCT(struct ike_proof_request, path, type_path),
     BOOL(struct ike_proof_request, is_initiator),
     ENUM(struct ike_proof_request, auth, IKE_AUTH_COUNT),
     ANY(struct ike_proof_request, id_type),
     VIEW(struct ike_proof_request, id, 1, IKE_ID_MAX_LEN),
     HEAP_ARRAY(struct ike_proof_request, certs, n_certs, 0, IKE_CERTS_MAX, type_peer_cert),
     BYTES(struct ike_proof_request, hash, hash_len, 16),
     VIEW(struct ike_proof_request, signature, 1, IKE_SIGNATURE_MAX_LEN));

TYPE(proof, struct ike_proof, message_check_proof,
     UINT(struct ike_proof, reason, 0, MESSAGE_REASON_MAX),
     TEXT(struct ike_proof, name, IKE_NAME_MAX_LEN),
     TEXT(struct ike_proof, authority, IKE_NAME_MAX_LEN),
     TEXT(struct ike_proof, detail, LINK_TEXT_MAX_LEN));

TYPE(gss_step, struct ike_gss_step, NULL,
     UINT(struct ike_gss_step, context, 1, UINT64_MAX),
     STRUCT(struct ike_gss_step, path, type_path),
     BOOL(struct ike_gss_step, is_initiator),
     VIEW(struct ike_gss_step, peer_name, 0, 2 * IKE_GSS_NAME_MAX_LEN),
     VIEW(struct ike_gss_step, token, 0, IKE_TOKEN_MAX_LEN));

TYPE(gss_token, struct ike_gss_token, message_check_gss_token,
     UINT(struct ike_gss_token, reason, 0, MESSAGE_REASON_MAX),
     VIEW(struct ike_gss_token, token, 0, IKE_TOKEN_MAX_LEN),
     BOOL(struct ike_gss_token, is_complete),
     TEXT(struct ike_gss_token, peer, IKE_GSS_NAME_MAX_LEN),
     TEXT(struct ike_gss_token, detail, LINK_TEXT_MAX_LEN));

TYPE(gss_message, struct ike_gss_message, NULL,
     UINT(struct ike_gss_message, context, 1, UINT64_MAX),
     VIEW(struct ike_gss_message, data, 1, IKE_WRAPPED_MAX_LEN));

TYPE(gss_result, struct ike_gss_result, message_check_gss_result,
     UINT(struct ike_gss_result, reason, 0, MESSAGE_REASON_MAX),
     BYTES(struct ike_gss_result, bytes, len, 0));

TYPE(gss_end, struct ike_gss_end, NULL,
     UINT(struct ike_gss_end, context, 1, UINT64_MAX));

TYPE(credential, struct link_credential, message_check_credential,
     ENUM(struct link_credential, kind, LINK_CREDENTIAL_COUNT),
     HEAP_BYTES(struct link_credential, value, value_len, 0, LINK_SECRET_MAX_LEN),
     BOOL(struct link_credential, excludes_ca_name),
     BOOL(struct link_credential, maps_to_account));

TYPE(credential_rule, struct link_credential_rule, message_check_credential_rule,
     ADDR_OR_NONE(struct link_credential_rule, local),
     ADDR_OR_NONE(struct link_credential_rule, remote),
     ANY(struct link_credential_rule, local_prefix),
     ANY(struct link_credential_rule, remote_prefix),
     HEAP_ARRAY(struct link_credential_rule, methods, n_methods, 0, LINK_METHODS_MAX,
		type_credential),
     UINT(struct link_credential_rule, same_as, 0, LINK_RULES_MAX));

TYPE(credentials, struct link_credentials, message_check_credentials,
     HEAP_ARRAY(struct link_credentials, rules, n_rules, 0, LINK_RULES_MAX, type_credential_rule),
     UINT(struct link_credentials, crl_check, 0, 2),
     TEXT(struct link_credentials, gss_name, IKE_GSS_NAME_MAX_LEN),
     TEXT(struct link_credentials, gss_realms, LINK_SECRET_MAX_LEN));

TYPE(rule_state, struct link_rule_state, NULL,
     UINT(struct link_rule_state, usable, 0, (1 << IKE_AUTH_COUNT) - 1));

TYPE(credential_state, struct link_credential_state, NULL,
     HEAP_ARRAY(struct link_credential_state, rules, n_rules, 0, LINK_RULES_MAX, type_rule_state),
     TEXT(struct link_credential_state, gss_name, IKE_GSS_NAME_MAX_LEN));

/* --- methods ------------------------------------------------------------------------------ */

const struct link_method link_hello = {
	.name = "Hello", .request = &type_hello, .reply = &type_ike_config,
};
const struct link_method link_policy_mm = {
	.name = "PolicyMm", .request = &type_policy_mm_query, .reply = &type_mm_policy,
};
const struct link_method link_policy_qm = {
	.name = "PolicyQm", .request = &type_qm_query, .reply = &type_qm_policy,
};
const struct link_method link_get_spi = {
	.name = "GetSpi", .request = &type_spi_request, .reply = &type_spi,
};
const struct link_method link_add_sa = {
	.name = "AddSa", .request = &type_add_sa, .has_secret_request = true,
};
const struct link_method link_del_sa = {
	.name = "DelSa", .request = &type_sa_ref, .is_one_way = true,
};
const struct link_method link_acquire_result = {
	.name = "AcquireResult", .request = &type_acquire_result, .is_one_way = true,
};
const struct link_method link_event = {
	.name = "Event", .request = &type_event, .is_one_way = true,
};
const struct link_method link_trace = {
	.name = "Trace", .request = &type_trace, .is_one_way = true,
};
const struct link_method link_keylog = {
	.name = "Keylog", .request = &type_keylog, .is_one_way = true, .has_secret_request = true,
};
const struct link_method link_acquire = {
	.name = "Acquire", .request = &type_acquire,
};
const struct link_method link_cancel_acquire = {
	.name = "CancelAcquire", .request = &type_acquire_ref,
};
const struct link_method link_expire = {
	.name = "Expire", .request = &type_expire,
};
const struct link_method link_delete_peer = {
	.name = "DeletePeer", .request = &type_peer_ref,
};
const struct link_method link_delete_mm = {
	.name = "DeleteMm", .request = &type_sa_id,
};
const struct link_method link_delete_qm = {
	.name = "DeleteQm", .request = &type_sa_id,
};
const struct link_method link_delete_filter = {
	.name = "DeleteFilter", .request = &type_filter_ref,
};
const struct link_method link_flush = {
	.name = "Flush", .request = &type_flush,
};
const struct link_method link_list_mm = {
	.name = "ListMm", .request = &type_page, .reply = &type_mm_list,
};
const struct link_method link_list_qm = {
	.name = "ListQm", .request = &type_page, .reply = &type_qm_list,
};
const struct link_method link_statistics = {
	.name = "Statistics", .reply = &type_stats,
};
const struct link_method link_adopt_sa = {
	.name = "AdoptSa", .request = &type_adopt_sa,
};
const struct link_method link_set_config = {
	.name = "SetConfig", .request = &type_ike_config,
};
const struct link_method link_psk_skeyid = {
	.name = "PskSkeyid", .request = &type_psk_request, .reply = &type_skeyid,
	.has_secret_reply = true,
};
const struct link_method link_authorities = {
	.name = "Authorities", .request = &type_authorities_request, .reply = &type_authorities,
};
const struct link_method link_certificate = {
	.name = "Certificate", .request = &type_certificate_request, .reply = &type_certificate,
};
const struct link_method link_signature = {
	.name = "Signature", .request = &type_signature_request, .reply = &type_signature,
};
const struct link_method link_proof = {
	.name = "Proof", .request = &type_proof_request, .reply = &type_proof,
};
const struct link_method link_gss_step = {
	.name = "GssStep", .request = &type_gss_step, .reply = &type_gss_token,
};
const struct link_method link_gss_wrap = {
	.name = "GssWrap", .request = &type_gss_message, .reply = &type_gss_result,
};
const struct link_method link_gss_unwrap = {
	.name = "GssUnwrap", .request = &type_gss_message, .reply = &type_gss_result,
};
const struct link_method link_gss_end = {
	.name = "GssEnd", .request = &type_gss_end, .is_one_way = true,
};
const struct link_method link_set_credentials = {
	.name = "SetCredentials", .request = &type_credentials, .reply = &type_credential_state,
	.has_secret_request = true,
};
const struct link_method link_credentials_changed = {
	.name = "CredentialsChanged", .request = &type_credential_state, .is_one_way = true,
};

const struct link_method *const link_methods[] = {
	&link_hello, &link_policy_mm, &link_policy_qm, &link_get_spi, &link_add_sa, &link_del_sa,
	&link_acquire_result, &link_event, &link_trace, &link_keylog, &link_acquire, &link_cancel_acquire,
	&link_expire, &link_delete_peer, &link_delete_mm, &link_delete_qm, &link_delete_filter,
	&link_flush, &link_list_mm, &link_list_qm, &link_statistics, &link_adopt_sa,
	&link_set_config, &link_psk_skeyid, &link_authorities, &link_certificate, &link_signature,
	&link_proof, &link_gss_step, &link_gss_wrap, &link_gss_unwrap, &link_gss_end,
	&link_set_credentials, &link_credentials_changed,
};
const size_t link_n_methods = ARRAY_LEN(link_methods);

//! The service's first checks, in its order. Their tests stand with the server's.

use crate::row::Standing::{Known, Unverified};
use crate::row::{Row, row};
use crate::support::{AUTHORIZATION, CBOR, JSON, run, settings, start};

pub(crate) const ROWS: &[Row] = &[
    row(
        "1. not POST",
        "403, XML AccessDeniedException, no content type",
        Known("kinesalite"),
        &["row_1_a_method_other_than_post_is_refused_in_xml"],
    ),
    row(
        "2. no body",
        "400 SerializationException, UnknownOperationException for an unknown operation; in CBOR unless the type was JSON \
         1.1",
        Known("kinesalite"),
        &[
            "row_2_an_empty_body_is_refused_in_cbor_unless_the_type_was_json",
            "an_empty_body_of_any_type_but_json_is_answered_in_cbor",
        ],
    ),
    row(
        "3. unknown content type",
        "404, XML UnknownOperationException, if the target has two parts; else as 1",
        Known("kinesalite"),
        &["row_3_an_unknown_content_type_is_answered_in_xml"],
    ),
    row(
        "4. body is no object",
        "400 SerializationException without a text",
        Known("kinesalite"),
        &["row_4_a_body_that_is_no_object_is_refused_before_anything_is_said_about_who_asks"],
    ),
    row(
        "5. `application/json`",
        "404, UnknownOperationException of another protocol",
        Known("kinesalite"),
        &["row_5_plain_json_is_no_protocol_of_the_service"],
    ),
    row(
        "6. unknown operation",
        "400 UnknownOperationException without a text",
        Known("kinesalite"),
        &["row_6_an_unknown_operation_is_refused_without_a_text"],
    ),
    row(
        "7. two signatures",
        "400 InvalidSignatureException",
        Known("kinesalite"),
        &["row_7_a_signature_stands_in_one_place"],
    ),
    row(
        "8. no signature",
        "400 MissingAuthenticationTokenException; an unknown content type is told row 3 instead",
        Known("kinesalite"),
        &[
            "row_8_a_request_without_a_signature_is_refused",
            "row_3_an_unknown_content_type_is_answered_in_xml",
        ],
    ),
    row(
        "9. incomplete header",
        "400 IncompleteSignatureException, with everything that is missing",
        Known("kinesalite"),
        &[
            "row_9_a_header_is_told_everything_that_it_lacks",
            "an_incomplete_header_is_told_everything_that_is_missing",
        ],
    ),
    row(
        "10. incomplete query",
        "400 IncompleteSignatureException, with everything that is missing",
        Known("kinesalite"),
        &[
            "row_10_a_query_is_told_everything_that_it_lacks",
            "an_incomplete_query_is_told_everything_that_is_missing",
        ],
    ),
    row(
        "11. wrong signature",
        "with `--credentials`: UnrecognizedClientException, InvalidSignatureException, ExpiredTokenException; without, \
         any signature is taken",
        Unverified("as other AWS services"),
        &["row_11_a_known_key_passes_and_each_other_one_is_told_its_own_error"],
    ),
    row(
        "12. wrong types",
        "400 SerializationException with `Message`",
        Known("kinesalite"),
        &[
            "rows_12_and_13_types_and_constraints_come_after_who_asks",
            "a_number_or_a_boolean_is_no_string",
            "a_string_or_a_boolean_is_no_integer",
            "bad_base64_names_the_value_and_the_fault",
        ],
    ),
    row(
        "13. constraints",
        "400 ValidationException",
        Known("kinesalite"),
        &[
            "rows_12_and_13_types_and_constraints_come_after_who_asks",
            "every_constraint_of_every_operation_is_told_with_its_path_and_text",
        ],
    ),
    row(
        "14. what it means",
        "the operation's own errors",
        Known("kinesalite"),
        &["row_14_what_is_well_formed_and_wrong_is_the_operations_own_error"],
    ),
    row(
        "body too large",
        "413 above 14 MiB",
        Unverified("7 MiB in 2020; must take 10 MiB in base64 now"),
        &["a_body_that_is_too_big_is_413_and_one_of_ten_mebibytes_of_data_is_not"],
    ),
    row(
        "headers of every answer",
        "`x-amzn-RequestId`, `x-amz-id-2`, `Date`, `Content-Length`, and the request's type as `Content-Type`",
        Known("kinesalite; KCL issue 1521"),
        &[
            "row_1_a_method_other_than_post_is_refused_in_xml",
            "ids_have_the_services_form_and_never_repeat",
        ],
    ),
    row(
        "no output",
        "200 without a body",
        Known("kinesalite"),
        &[
            "eighteen_operations_answer_without_a_body",
            "every_operation_answers_alike_in_both_codecs",
        ],
    ),
    row(
        "browsers",
        "CORS headers; OPTIONS is answered 200",
        Known("kinesalite"),
        &["browsers_are_told_that_they_may"],
    ),
];

#[test]
fn an_empty_body_of_any_type_but_json_is_answered_in_cbor() {
    run(async {
        let server = start(settings()).await;
        for (kind, target, error) in [
            (
                CBOR,
                "Kinesis_20131202.PutRecord",
                "\x76SerializationException",
            ),
            (
                "application/json",
                "Kinesis_20131202.PutRecord",
                "\x76SerializationException",
            ),
            (
                "text/xml",
                "Kinesis_20131202.Put",
                "\x78\x19UnknownOperationException",
            ),
            (CBOR, "nonsense", "\x78\x19UnknownOperationException"),
        ] {
            let headers = [
                ("content-type", kind),
                ("x-amz-target", target),
                ("authorization", AUTHORIZATION),
            ];
            let reply = server.send("POST", "/", &headers, "").await;
            assert_eq!((reply.status, reply.header("content-type")), (400, CBOR));
            assert_eq!(reply.text(), format!("\u{fffd}\x66__type{error}"));
        }
        let headers = [
            ("content-type", JSON),
            ("x-amz-target", "Kinesis_20131202.PutRecord"),
        ];
        let reply = server.send("POST", "/", &headers, "").await;
        assert_eq!(reply.header("content-type"), JSON);
        server.stop().await;
    });
}

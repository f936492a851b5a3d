"""Explanations for a certificate that failed verification, with what the user can do."""

from ssl import SSLCertVerificationError

from tui.text import clean_line

NOT_SPOKEN = "what answers there speaks no TLS; check the address and its port"

UNKNOWN_ISSUERS = {2, 18, 19, 20, 21}
OTHER_NAMES = {62, 64}
EARLY, EXPIRED = 9, 10
"""OpenSSL's X509_V_ERR_... numbers: https://docs.openssl.org/master/man3/X509_STORE_CTX_get_error/"""


def unverified(error: SSLCertVerificationError) -> str:
    """Explain a rejected certificate in one line."""
    code, message = error.verify_code, clean_line(error.verify_message).rstrip(".")
    if code in UNKNOWN_ISSUERS:
        return (
            f"nobody whom this machine trusts vouches for its certificate ({message}); ask its operator, and if it is"
            " meant to be so, have them give you the certificate and start with SSL_CERT_FILE=THAT_FILE"
        )
    if code in OTHER_NAMES:
        return f"its certificate is for somebody else ({message}); use the name that its operator gave you"
    if code == EXPIRED:
        return "its certificate has expired; tell its operator, who must renew it"
    if code == EARLY:
        return "its certificate is not valid yet; set this machine's clock, or tell the server's operator"
    return f"its certificate is refused ({message}); tell its operator"

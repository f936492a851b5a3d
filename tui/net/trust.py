"""Explanations for a certificate that failed verification, with what the user can do."""

from ssl import SSLCertVerificationError

from tui.text import clean_line

NOT_SPOKEN = "the server there does not support TLS; check the address, or use ws:// to connect unencrypted"

UNKNOWN_ISSUERS = {2, 18, 19, 20, 21}
OTHER_NAMES = {62, 64}
EARLY, EXPIRED = 9, 10
"""OpenSSL's X509_V_ERR_... numbers: https://docs.openssl.org/master/man3/X509_STORE_CTX_get_error/"""


def unverified(error: SSLCertVerificationError) -> str:
    """Explain a rejected certificate in one line."""
    code, message = error.verify_code, clean_line(error.verify_message).rstrip(".")
    if code in UNKNOWN_ISSUERS:
        return (
            f"its certificate is not signed by an authority this machine trusts ({message}); ask its"
            " administrator and, if this is intended, get the certificate and start with SSL_CERT_FILE=THAT_FILE"
        )
    if code in OTHER_NAMES:
        return f"its certificate is for another name ({message}); use the name that its administrator gave you"
    if code == EXPIRED:
        return "its certificate has expired; tell its administrator, who must renew it"
    if code == EARLY:
        return "its certificate is not valid yet; set this machine's clock, or tell the server's administrator"
    return f"its certificate is rejected ({message}); tell its administrator"

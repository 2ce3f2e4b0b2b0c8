"""The mail filter protocol of Sendmail and Postfix (`smtpd_milters`), version 6."""

"""The SMTP access policy delegation protocol of Postfix (`check_policy_service`)."""

"""Single sign-on: an organisation's people show who they are at its own identity provider.

    browser ─▶ start ─▶ attempt kept, cookie ─▶ identity provider
    SAML:  provider ─▶ (browser posts) acs ─▶ response checked ─▶ ticket ─▶ finish ─▶ session
    OIDC:  provider ─▶ (browser gets) callback ─▶ code exchanged, ID token checked ─▶ session

Guarantees: what a provider says counts for accounts of its own organisation only; nothing it sends
makes an account; a flow ends in the browser that began it, once, or not at all.
Decision record 0024.
"""

"""ncmec-reporter: reports to NCMEC's CyberTipline are filed once, whole and true.

cybertips ─▶ REQUESTED ─▶ what the platform adds ─▶ media held, encrypted ─▶ documents checked
    ─▶ submit ─▶ upload, fileinfo ─▶ finish ─▶ FILED ─▶ the platform preserves ─▶ DONE
                                                  └▶ cybertip-results
"""

"""Jobs in, epochs out: neither logs nor stores; needs torch and timm alone."""

// The object that owns the precompiled header; nothing else.

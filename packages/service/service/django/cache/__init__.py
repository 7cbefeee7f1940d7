"""Reads of a store through a cache: one in memory in each process, or one that all share.

`shared` needs the extra `cache` of this package. The other modules import nothing of it.

- `settings`: `CacheEnvironment`, the variables, and Django's settings that follow from them
- `reads`: `CachedReads`, the interface of both kinds; `Codec`, how a value becomes bytes
- `local`: `LocalReads`, in the memory of this process
- `shared`: `SharedReads`, in Valkey or Redis
- `serializer`: `Bytes`, which keeps Django from unpickling what a server holds
"""

"""The store that is a bucket of any S3: blobs alone or in packs, records and documents as small objects.

    PREFIX/format             `perdure-store 1`
    PREFIX/cas/aa/<digest>    a blob alone: raw, or one zstd stream (then it begins as such streams do)
    PREFIX/packs/aa/<pack>    frames of small files one behind the other; named by the sha256 of it all
    PREFIX/index/<pack>       what is where in a pack; written after it, so that no half pack is ever seen
    PREFIX/keys/<key>         records and documents
    PREFIX/dying/<name>       what a sweep is about to remove
    PREFIX/links/aa/<digest>  plain copies of what a pre-signed link was asked for and does not stand so already

location      `s3://bucket/prefix`
settings      what the environment says besides boto3's own variables
failures      what S3 refused, as our errors with a way out
client        boto3's client, set up for a store
bucket        one bucket and prefix: typed requests, asked again where that helps
transfers     big objects in parallel parts, in bounded memory
pack_index    which pack holds a digest, known to this process
local_cache   a bounded folder of this machine for what was read and written lately
at_hand       objects in memory for as long as who asked for them reads
presence      which blobs are there
writing, reading, fetching   blobs in and out
keyed         records and documents
renewal       what is kept again becomes young
sweeping      what nothing refers to goes, while others write
links         pre-signed links for people
store         all of it behind the `Store` protocol
opening       the first look: bucket, format, whether conditions are honoured

The stored form of content and of packs is that of `activities.store.packs`. Only this package imports boto3, and only
when such a store is opened.
"""

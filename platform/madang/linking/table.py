"""Tables of places: directories, whole at each version; which came when; what people call a place; who linked.

A version is kept whole, so that a link can be read, and made again, as it was: it names its directory's version.
"""

from madang.schema.types import FLOAT, INSTANT, INTEGER, TEXT, Column, Table

RAW_PLACES = Table(
    "raw.places",
    (
        Column("version", TEXT, "Version of the directory: hash of its places"),
        Column("place_id", TEXT, "The directory's own id"),
        Column("name", TEXT, "As the directory writes it"),
        Column("address", TEXT, "As the directory writes it; null if it gives none"),
        Column("lat", FLOAT, "Latitude, degrees; null if unknown"),
        Column("lon", FLOAT, "Longitude, degrees; null if unknown"),
        Column("category", TEXT, "As the directory calls it; null if it does not say"),
        Column("district", TEXT, "City, county or ward, if the directory gives one of its own"),
        Column("dong", TEXT, "Neighbourhood or town, if the directory gives one of its own"),
        Column("popularity", FLOAT, "Any number of the directory's own that grows with it; null if unknown"),
    ),
    ("version", "place_id"),
    "A place of one version of a directory",
)

PLACE_DIRECTORIES = Table(
    "raw.place_directories",
    (
        Column("version", TEXT, "Version of the directory: hash of its places"),
        Column("places", INTEGER, "How many it holds"),
        Column("landed_from", TEXT, "File or table it came from"),
        Column("imported_at", INSTANT, "When it was last imported, UTC; the latest is the current one"),
    ),
    ("version",),
    "A version of a directory of places that was imported",
)

PLACE_ALIASES = Table(
    "raw.place_aliases",
    (
        Column("alias", TEXT, "Folded: without case and spaces"),
        Column("place_id", TEXT, "The place that is meant by it"),
        Column("written", TEXT, "As it was written when the link was confirmed"),
        Column("confirmed_at", INSTANT, "When, UTC"),
    ),
    ("alias", "place_id"),
    "A name that people use for a place, confirmed",
)

LINKERS = Table(
    "links.linkers",
    (
        Column("linker", TEXT, "Hash of the directory's version, the aliases and the version of the linker itself"),
        Column("directory", TEXT, "Version of the directory"),
        Column("aliases", INTEGER, "How many aliases it knows"),
        Column("activated_at", INSTANT, "When it last took over, UTC; the latest is the current one"),
    ),
    ("linker",),
    "A linker: a directory with what people call its places",
)

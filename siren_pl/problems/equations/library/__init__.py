"""The equations that siren_pl brings, one file each."""

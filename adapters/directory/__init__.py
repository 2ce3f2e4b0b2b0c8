"""The directory in the formats others read: the 31 columns of the national extraction, and FHIR."""

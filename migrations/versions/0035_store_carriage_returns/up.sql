-- Whether the text of a document has a carriage return. Loading a document need not read the text to find out.
-- NULL: the text was stored before this version. The trigger that stores its hash sets the column from then on.
-- Changed object: function.documents_before.
-- objects: 1ff3f0d344d8b022

ALTER TABLE documents ADD content_has_returns boolean;

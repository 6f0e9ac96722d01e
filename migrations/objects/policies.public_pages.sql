DROP POLICY IF EXISTS internal ON public_pages;
CREATE POLICY internal ON public_pages TO app_service, app_admin USING (true) WITH CHECK (true);
-- Whoever reads a document may know its page. Only app.set_public_page writes for people.
DROP POLICY IF EXISTS document_read ON public_pages;
CREATE POLICY document_read ON public_pages FOR SELECT TO app_readwrite, app_readonly
  USING (EXISTS (SELECT FROM documents d WHERE d.id = public_pages.document_id));
